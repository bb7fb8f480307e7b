import { CodedError } from "../base/errors.ts";
import { nearName } from "../base/near-name.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { COMMANDS, type CommandEntry } from "./catalogue.ts";

/** Letters of the shortest names of commands. */
const LEAST = 3;

/** A command line whose command is known. */
export interface FoundCommand {
  readonly name: string;
  readonly entry: CommandEntry;
  /** What stands behind the name. */
  readonly rest: readonly string[];
}

/**
 * The command that a line begins with: the longest name that fits.
 * @throws CodedError UsageError, with the near name when there is one
 */
export function findCommand(line: readonly string[]): FoundCommand {
  const names = Object.keys(COMMANDS).sort((one, other) => other.length - one.length);
  const name = names.find((one) => startsWith(line, one.split(" ")));
  const entry = name === undefined ? undefined : COMMANDS[name];
  if (name !== undefined && entry !== undefined && !isBeginning(line, name)) {
    const rest = line.slice(name.split(" ").length);
    if (entry.operands === undefined) refuseWord(name, rest[0]);
    return { name, entry, rest };
  }
  const words = leadingWords(line);
  if (words.length === 0) {
    const [first = ""] = (line[0] ?? "").split("=");
    throw usage(
      `Cannot run ${JSON.stringify(first)}: a command comes first`,
      "See hybrid-runner help for the commands",
    );
  }
  const known = words.findIndex((_, at) => commandsBelow(words.slice(0, at + 1).join(" ")).length === 0);
  const asked = words.slice(0, known < 0 ? words.length : known + 1).join(" ");
  if (known < 0) {
    const below = commandsBelow(asked);
    throw usage(`Cannot run ${JSON.stringify(asked)}: it says not what to do`, `Write one of: ${below.join(", ")}`);
  }
  const meant = nearCommand(words);
  const below = commandsBelow(words.slice(0, known).join(" "));
  const others = below.length === 0 ? "See hybrid-runner help" : `Write one of: ${below.join(", ")}`;
  const advice = meant === undefined ? others : `Write hybrid-runner ${meant}, if that is what was meant`;
  throw usage(`Cannot run ${JSON.stringify(asked)}: there is no such command`, advice);
}

/** The words that a line begins with, when they aren't a command but commands begin so, such as `gateway token`. */
export function commandGroup(line: readonly string[]): string | undefined {
  const words = leadingWords(line).join(" ");
  return Object.hasOwn(COMMANDS, words) || commandsBelow(words).length === 0 ? undefined : words;
}

/** No command's name is longer than three words. */
function leadingWords(line: readonly string[]): readonly string[] {
  const end = line.findIndex((word) => word === "" || word.startsWith("-"));
  return line.slice(0, end < 0 ? line.length : end).slice(0, 3);
}

/** A word behind a command that takes none is a mistyped flag or command. */
function refuseWord(name: string, word: string | undefined): void {
  if (word === undefined || word.startsWith("-")) return;
  const below = commandsBelow(name);
  const meant = nearName(`${name} ${word}`, prefixes(below), LEAST) ?? nearCommand([word]);
  throw usage(
    `Cannot run ${JSON.stringify(name)}: ${JSON.stringify(word)} is no flag and no command`,
    meant === undefined
      ? `See hybrid-runner ${name} --help`
      : `Write hybrid-runner ${meant}, if that is what was meant`,
  );
}

/** `gateway token create` and what it begins with. */
function prefixes(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => name.split(" ").map((_, at, words) => words.slice(0, at + 1).join(" ")));
}

/** Names of the commands that begin with these words, such as those of `gateway token`. */
export function commandsBelow(name: string): readonly string[] {
  return Object.keys(COMMANDS).filter((one) => one.startsWith(`${name} `));
}

/** `gateway token` alone, or with a word that isn't one of its commands, is no call of `gateway`. */
function isBeginning(line: readonly string[], name: string): boolean {
  const next = line[name.split(" ").length];
  if (next === undefined || next.startsWith("-")) return false;
  return commandsBelow(`${name} ${next}`).length > 0;
}

function startsWith(line: readonly string[], words: readonly string[]): boolean {
  return words.every((word, at) => line[at] === word);
}

function nearCommand(words: readonly string[]): string | undefined {
  for (let count = words.length; count > 0; count--) {
    const meant = nearName(words.slice(0, count).join(" "), [...Object.keys(COMMANDS), "help"], LEAST);
    if (meant !== undefined) return meant;
  }
  return undefined;
}

function usage(message: string, advice: string): CodedError {
  return new CodedError(RUNTIME_ERRORS.UsageError, message, { advice });
}
