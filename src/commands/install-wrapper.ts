import { CodedError } from "../base/errors.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { absolutePath, directoryOf } from "../runtime/files.ts";
import { selfCommand, writeOut } from "../runtime/system.ts";
import { installWrapper } from "../wrapper/install.ts";

export const flags: FlagTable = {};

/** `hybrid-runner install-wrapper DIR`: what the init container of an ingestion pod does with the runner's image. */
export async function run(args: readonly string[]): Promise<number> {
  const [target, ...more] = parseArguments(args, flags, { operands: true }).positionals;
  if (target === undefined || target === "" || more.length > 0) {
    throw new CodedError(RUNTIME_ERRORS.UsageError, "Cannot copy the wrapper: one directory is needed", {
      advice: "Write hybrid-runner install-wrapper DIRECTORY",
    });
  }
  const { files, bytes } = await installWrapper(directoryOf(selfCommand()[0] ?? ""), absolutePath(target));
  await writeOut(`${files.length} files, ${Math.round(bytes / 1_000_000)} MB, copied to ${target}\n`);
  return 0;
}
