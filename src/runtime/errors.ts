import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the runtime folder that belong to no single file. */
export const RUNTIME_ERRORS: {
  readonly UsageError: ErrorKind<"UsageError">;
  readonly WorkingDirectoryGone: ErrorKind<"WorkingDirectoryGone">;
  readonly OutputRefused: ErrorKind<"OutputRefused">;
} = defineErrors({
  UsageError: { retryable: false, advice: "See hybrid-runner help for the commands and their flags" },
  WorkingDirectoryGone: { retryable: false, advice: "Start it in a directory that exists, or name the whole path" },
  OutputRefused: { retryable: true, advice: "Free space where the output goes to, or send it somewhere else" },
});
