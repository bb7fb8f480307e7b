import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the wire protocol. */
export const PROTOCOL_ERRORS: {
  readonly BadFrame: ErrorKind<"BadFrame">;
  readonly UnknownMessage: ErrorKind<"UnknownMessage">;
  readonly FrameTooLarge: ErrorKind<"FrameTooLarge">;
  readonly WrongDirection: ErrorKind<"WrongDirection">;
} = defineErrors({
  BadFrame: {
    retryable: false,
    advice: "Compare the frame with docs/protocol.md; both sides must speak the same protocol version",
  },
  UnknownMessage: { retryable: false, advice: "Update the older side: it doesn't know this message type" },
  FrameTooLarge: {
    retryable: false,
    advice: "Make the pipeline's configuration smaller, or split it into several pipelines",
  },
  WrongDirection: { retryable: false, advice: "Check that the URL points to a gateway and not to another runner" },
});
