import { defineErrors, type ErrorKind } from "../../base/errors.ts";

/** Error kinds of the REST API. */
export const API_ERRORS: {
  readonly BadRequest: ErrorKind<"BadRequest">;
  readonly BodyTooLarge: ErrorKind<"BodyTooLarge">;
  readonly NotFound: ErrorKind<"NotFound">;
  readonly MethodNotAllowed: ErrorKind<"MethodNotAllowed">;
  readonly PreconditionFailed: ErrorKind<"PreconditionFailed">;
  readonly PipelineNotDeployed: ErrorKind<"PipelineNotDeployed">;
  readonly ChangedMeanwhile: ErrorKind<"ChangedMeanwhile">;
  readonly TooManyStreams: ErrorKind<"TooManyStreams">;
  readonly RequestFailed: ErrorKind<"RequestFailed">;
} = defineErrors({
  BadRequest: { retryable: false, advice: "Correct the fields named in the message and send it again" },
  BodyTooLarge: { retryable: false, advice: "Send at most 1 MiB; configurations may have 768 KiB" },
  NotFound: { retryable: false, advice: "List what there is and use an id from that list" },
  MethodNotAllowed: { retryable: false, advice: "Use one of the methods that the header Allow names" },
  PreconditionFailed: { retryable: false, advice: "Read it again, and send the change with the ETag of that answer" },
  PipelineNotDeployed: { retryable: false, advice: "Deploy the pipeline first: POST /api/v1/pipelines/:id/deploy" },
  ChangedMeanwhile: { retryable: true, advice: "Read the pipeline again and repeat the change" },
  TooManyStreams: { retryable: true, advice: "Close live views that nobody looks at, or read the log in pages" },
  RequestFailed: { retryable: true, advice: "See the gateway's log for the cause, then try again" },
});
