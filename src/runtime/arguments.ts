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

/**
 * Parses `--name value`, `--name=value` and positionals; `--` ends the flags.
 * @throws CodedError UsageError naming the flag that is unknown or lacks its value
 */
export function parseArguments(args: readonly string[], flags: FlagTable): ParsedArguments {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: mutable(flags),
      allowPositionals: true,
      strict: true,
    });
    return { values: values as ParsedArguments["values"], positionals };
  } catch (cause) {
    const found = cause instanceof Error ? cause.message.split(". ")[0] : "not understood";
    const unknown = /^Unknown option '--([^']*)'/.exec(found ?? "")?.[1];
    const meant = unknown === undefined ? undefined : nearName(unknown, Object.keys(flags));
    throw new CodedError(RUNTIME_ERRORS.UsageError, `Cannot read the command line: ${found}`, {
      cause,
      ...(meant === undefined ? {} : { advice: `Write --${meant}, if that is what was meant` }),
    });
  }
}

function mutable(flags: FlagTable): Record<string, { type: "string" | "boolean"; multiple?: boolean }> {
  return Object.fromEntries(
    Object.entries(flags).map(([name, { type, multiple }]) => [
      name,
      multiple === undefined ? { type } : { type, multiple },
    ]),
  );
}
