import { defineErrors, type ErrorKind } from "../../base/errors.ts";

/** Error kinds of tokens and keys. */
export const AUTH_ERRORS: {
  readonly TokenRefused: ErrorKind<"TokenRefused">;
  readonly AdminTokenRefused: ErrorKind<"AdminTokenRefused">;
  readonly TooManyFailures: ErrorKind<"TooManyFailures">;
  readonly KeyFileUnusable: ErrorKind<"KeyFileUnusable">;
} = defineErrors({
  TokenRefused: {
    retryable: false,
    advice: "Issue a token with hybrid-runner gateway token create --runner ID and give it to the runner as AUTH_TOKEN",
  },
  AdminTokenRefused: {
    retryable: false,
    advice: "Send Authorization: Bearer with the text of the file admin-token in the gateway's data directory",
  },
  TooManyFailures: {
    retryable: true,
    advice: "Wait as many seconds as Retry-After says, and correct the token before trying again",
  },
  KeyFileUnusable: {
    retryable: false,
    advice: "Restore the file from a backup, or see that this user may read and write the data directory",
  },
});
