import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of listening. */
export const SERVER_ERRORS: { readonly ListenFailed: ErrorKind<"ListenFailed"> } = defineErrors({
  ListenFailed: {
    retryable: true,
    advice: "Choose another --port, end the program that holds this one, or check host and TLS files",
  },
});
