import { CodedError, errorCode, explainError } from "./base/errors.ts";
import { COMMANDS } from "./commands/catalogue.ts";
import { helpText } from "./commands/help.ts";
import { commandArguments, exitNow, writeError, writeOut } from "./runtime/system.ts";

/** Loads the one command that is asked for, so that no other role's code is evaluated. */
async function main(args: readonly string[]): Promise<number> {
  const [name = "help", ...rest] = args;
  if (helpWords.has(name)) {
    await writeOut(helpText(COMMANDS));
    return 0;
  }
  const wanted = name === "--version" ? "version" : name;
  const command = Object.hasOwn(COMMANDS, wanted) ? COMMANDS[wanted] : undefined;
  if (command === undefined) {
    await writeError(
      `UsageError: Cannot run ${JSON.stringify(name)}: there is no such command\n  next: see hybrid-runner help\n`,
    );
    return 2;
  }
  return (await command.load()).run(rest);
}

const helpWords = new Set(["help", "--help", "-h"]);
const usageCodes = new Set(["UsageError", "ConfigInvalid"]);

main(commandArguments()).then(
  (code) => exitNow(code),
  async (error: unknown) => {
    await writeError(`${explainError(error)}\n${error instanceof CodedError ? "" : String((error as Error).stack)}\n`);
    exitNow(usageCodes.has(errorCode(error) ?? "") ? 2 : 1);
  },
);
