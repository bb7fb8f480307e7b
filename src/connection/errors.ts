import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the runner's connection. */
export const CONNECTION_ERRORS: { readonly TokenTimedOut: ErrorKind<"TokenTimedOut"> } = defineErrors({
  TokenTimedOut: { retryable: true, advice: "Check the file system that the token's file lies on" },
});
