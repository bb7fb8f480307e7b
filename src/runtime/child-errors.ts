import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of starting a child; `facts.reason` is `notFound`, `notExecutable` or `other`. */
export const CHILD_ERRORS: { readonly ProgramStartFailed: ErrorKind<"ProgramStartFailed"> } = defineErrors({
  ProgramStartFailed: {
    retryable: false,
    advice: "Check that the program exists on this machine and that this user may execute it",
  },
});
