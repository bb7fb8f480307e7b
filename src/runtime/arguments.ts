import { parseArgs } from "node:util";
import { CodedError } from "../base/errors.ts";
import { nearName } from "../base/near-name.ts";
import { RUNTIME_ERRORS } from "./errors.ts";

/** One flag of a command line. */
export interface Flag {
  /** A switch, or one with a value. */
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
  /** Stands for the value where the flag is explained, such as `FILE`. */
  readonly value?: string;
  /** What it does, for help and documents. */
  readonly meaning?: string;
}

/** What a command line may hold: long names without dashes. */
export type FlagTable = Readonly<Record<string, Flag>>;

/** A parsed command line. */
export interface ParsedArguments {
  readonly values: Readonly<Record<string, string | boolean | readonly string[] | undefined>>;
  readonly positionals: readonly string[];
}

/** Whether words may stand beside the flags; where they may, the caller judges them. */
export interface Operands {
  readonly operands: boolean;
}

/**
 * Parses `--name value`, `--name=value` and positionals; `--` ends the flags.
 * @throws CodedError UsageError naming the flag that is unknown, lacks its value or takes none, or the word that is no flag
 */
export function parseArguments(
  args: readonly string[],
  flags: FlagTable,
  { operands }: Operands = { operands: false },
): ParsedArguments {
  const { values, positionals, tokens } = parseArgs({
    args: [...args],
    options: mutable(flags),
    allowPositionals: true,
    // Its own words about a mistake are for programmers, so mistakes are found here.
    strict: false,
    tokens: true,
  });
  for (const token of tokens) {
    if (token.kind === "option") checkOption(args[token.index] ?? token.rawName, token, flags);
    if (token.kind === "positional" && !operands) throw usage(`${JSON.stringify(token.value)} is no flag`);
  }
  return { values: values as ParsedArguments["values"], positionals };
}

/** Values are left out of every message: one may be a secret. */
function checkOption(word: string, { name, rawName, value, inlineValue }: OptionToken, flags: FlagTable): void {
  const flag = rawName.startsWith("--") && Object.hasOwn(flags, name) ? flags[name] : undefined;
  if (flag === undefined) {
    const [written = word] = word.split("=");
    const bare = written.replace(/^-+/, "");
    const meant = Object.hasOwn(flags, bare) ? bare : nearName(bare, Object.keys(flags));
    throw usage(
      `there is no flag ${written}`,
      meant === undefined ? undefined : `Write --${meant}, if that is what was meant`,
    );
  }
  if (flag.type === "boolean") {
    if (value !== undefined) throw usage(`--${name} takes no value`, `Write --${name} alone, or leave it out`);
    return;
  }
  const form = `--${name}=${flag.value ?? "VALUE"}`;
  if (value === undefined || (inlineValue !== true && value.startsWith("--"))) {
    throw usage(`--${name} lacks its value`, `Write ${form}`);
  }
  if (inlineValue !== true && value.startsWith("-") && value !== "-") {
    throw usage(
      `the value of --${name} begins with a dash, as a flag does`,
      `Write ${form}, with = before the value, if it is meant so`,
    );
  }
}

interface OptionToken {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

function usage(state: string, advice?: string): CodedError {
  return new CodedError(
    RUNTIME_ERRORS.UsageError,
    `Cannot read the command line: ${state}`,
    advice === undefined ? {} : { advice },
  );
}

function mutable(flags: FlagTable): Record<string, { type: "string" | "boolean"; multiple?: boolean }> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, { type, multiple }]) => [
      name,
      multiple === undefined ? { type } : { type, multiple },
    ]),
  );
}
