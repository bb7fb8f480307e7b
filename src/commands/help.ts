import type { CommandEntry } from "./catalogue.ts";

/** The help, made from the command table. */
export function helpText(commands: Readonly<Record<string, CommandEntry>>): string {
  const rows = Object.entries(commands)
    .filter(([, command]) => command.internal !== true)
    .map(([name, command]) => `  ${name.padEnd(9)} ${command.summary}\n            hybrid-runner ${command.usage}`);
  const exitCodes = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.";
  return `hybrid-runner: runs OpenMetadata ingestion inside your network\n\n${rows.join("\n")}\n\n${exitCodes}\n`;
}
