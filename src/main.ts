import { errorCode } from "./base/errors.ts";
import { commandGroup, findCommand } from "./commands/find-command.ts";
import { helpOf, helpOfGroup, helpText } from "./commands/help.ts";
import { guardProcess } from "./runtime/guard-process.ts";
import { commandArguments, exitNow, writeOut } from "./runtime/system.ts";

/** Loads the one command that is asked for, so that no other role's code is evaluated. */
async function main(args: readonly string[]): Promise<number> {
  guardProcess();
  const [first = "help", ...others] = args;
  const line = HELP_WORDS.has(first) ? [...others, "--help"] : VERSION_WORDS.has(first) ? ["version", ...others] : args;
  if (HELP_WORDS.has(line[0] ?? "")) {
    await writeOut(helpText());
    return 0;
  }
  const group = asksForHelp(line) ? commandGroup(line) : undefined;
  if (group !== undefined) {
    await writeOut(helpOfGroup(group));
    return 0;
  }
  const found = findCommand(line);
  if (asksForHelp(found.rest)) {
    await writeOut(await helpOf(found));
    return 0;
  }
  return (await found.entry.load()).run(found.rest);
}

const HELP_WORDS = new Set(["help", "--help", "-h"]);
const VERSION_WORDS = new Set(["--version", "-v", "-V"]);

/** What stands behind `--` belongs to another program. */
function asksForHelp(rest: readonly string[]): boolean {
  const dashes = rest.indexOf("--");
  return (dashes < 0 ? rest : rest.slice(0, dashes)).some((word) => word === "--help" || word === "-h");
}

const usageCodes = new Set(["UsageError", "ConfigInvalid"]);

main(commandArguments()).then(
  (code) => exitNow(code),
  async (error: unknown) => {
    await (await import("./commands/tell-failure.ts")).tellFailure(error, commandArguments());
    exitNow(usageCodes.has(errorCode(error) ?? "") ? 2 : 1);
  },
);
