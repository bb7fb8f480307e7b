import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the runtime folder that belong to no single file. */
export const RUNTIME_ERRORS: { readonly UsageError: ErrorKind<"UsageError"> } = defineErrors({
  UsageError: { retryable: false, advice: "See hybrid-runner help for the commands and their flags" },
});
