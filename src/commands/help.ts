import type { Flag, FlagTable } from "../runtime/arguments.ts";
import { COMMANDS } from "./catalogue.ts";
import { flagGroups } from "./command.ts";
import { commandsBelow, type FoundCommand } from "./find-command.ts";

const EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.";

/** All commands that people use, a line each. */
export function helpText(): string {
  const rows = Object.entries(COMMANDS).filter(([, { internal }]) => internal !== true);
  const width = Math.max(...rows.map(([name]) => name.length));
  return lines(
    "hybrid-runner: runs OpenMetadata ingestion inside your network",
    "",
    "Usage: hybrid-runner COMMAND …",
    "",
    ...rows.map(([name, { summary }]) => `  ${name.padEnd(width)}  ${summary}`),
    "",
    "hybrid-runner COMMAND --help tells the flags of a command, with examples.",
    EXIT_CODES,
  );
}

/** The commands that begin with these words, a line each. */
export function helpOfGroup(group: string): string {
  const below = commandsBelow(group);
  const width = Math.max(...below.map((name) => name.length));
  return lines(
    `Usage: hybrid-runner ${group} …`,
    "",
    ...below.map((name) => `  ${name.padEnd(width)}  ${COMMANDS[name]?.summary ?? ""}`),
    "",
    "hybrid-runner COMMAND --help tells the flags of a command, with examples.",
    EXIT_CODES,
  );
}

/** One command with all its flags and its examples. */
export async function helpOf({ name, entry }: Omit<FoundCommand, "rest">): Promise<string> {
  const groups = await flagGroups(await entry.load());
  const operands = entry.operands === undefined ? "" : ` ${entry.operands}`;
  const [first, behind] = entry.operands?.startsWith("--") === true ? ["", operands] : [operands, ""];
  const hasFlags = groups.some(({ flags }) => Object.keys(flags).length > 0);
  const below = commandsBelow(name);
  return lines(
    `hybrid-runner ${name}: ${entry.summary}`,
    "",
    `Usage: hybrid-runner ${name}${first}${hasFlags ? " [FLAG…]" : ""}${behind}`,
    ...section(
      "Commands",
      below.map((one) => `  hybrid-runner ${one}`),
    ),
    ...groups.flatMap((group) => section(group.title, flagRows(group.flags))),
    ...section(
      "Examples",
      entry.examples.flatMap(([line, meaning]) => [`  ${line}`, `      ${meaning}`]),
    ),
    "",
    name === "exec"
      ? "Exit code: that of the program; 70 for an unresolved secret, 78 for a bad configuration, 124 after a timeout, 126 or 127 when the program can't be started."
      : EXIT_CODES,
  );
}

/** A flag as it is written. */
export function flagUsage(name: string, { type, value }: Flag): string {
  return type === "boolean" ? `--${name}` : `--${name} ${value ?? "VALUE"}`;
}

function flagRows(flags: FlagTable): readonly string[] {
  return Object.entries(flags).flatMap(([name, flag]) => [
    `  ${flagUsage(name, flag)}`,
    ...(flag.meaning === undefined ? [] : [`      ${flag.meaning}`]),
  ]);
}

function section(title: string, rows: readonly string[]): readonly string[] {
  return rows.length === 0 ? [] : ["", `${title}:`, ...rows];
}

function lines(...rows: readonly string[]): string {
  return rows.map((row) => `${row}\n`).join("");
}
