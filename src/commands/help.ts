import { writeOut } from "../runtime/system.ts";
import { COMMANDS } from "./catalogue.ts";

/** `hybrid-runner help` */
export async function run(): Promise<number> {
  await writeOut(helpText());
  return 0;
}

/** The help, made from the command table. */
export function helpText(): string {
  const rows = Object.entries(COMMANDS)
    .filter(([, command]) => command.internal !== true)
    .map(([name, command]) => `  ${name.padEnd(9)} ${command.summary}\n            hybrid-runner ${command.usage}`);
  return `hybrid-runner: runs OpenMetadata ingestion inside your network\n\n${rows.join("\n")}\n\nExit codes: 0 done, 1 failed, 2 wrong usage or configuration.\n`;
}
