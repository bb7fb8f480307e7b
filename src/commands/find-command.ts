import { CodedError } from "../base/errors.ts";
import { nearName } from "../base/near-name.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { COMMANDS, type CommandEntry } from "./catalogue.ts";

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
    return { name, entry, rest: line.slice(name.split(" ").length) };
  }
  const words = line.filter((word) => !word.startsWith("-")).slice(0, 3);
  const asked = words.join(" ");
  const below = commandsBelow(asked);
  if (below.length > 0) {
    throw usage(`Cannot run ${JSON.stringify(asked)}: it says not what to do`, `Write one of: ${below.join(", ")}`);
  }
  const meant = nearCommand(words);
  const advice =
    meant === undefined ? "See hybrid-runner help" : `Write hybrid-runner ${meant}, if that is what was meant`;
  throw usage(`Cannot run ${JSON.stringify(asked)}: there is no such command`, advice);
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
    const meant = nearName(words.slice(0, count).join(" "), Object.keys(COMMANDS));
    if (meant !== undefined) return meant;
  }
  return undefined;
}

function usage(message: string, advice: string): CodedError {
  return new CodedError(RUNTIME_ERRORS.UsageError, message, { advice });
}
