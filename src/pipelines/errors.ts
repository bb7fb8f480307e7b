import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of deployed pipelines. */
export const PIPELINE_ERRORS: {
  readonly PipelineUnreadable: ErrorKind<"PipelineUnreadable">;
  readonly TooManyPipelines: ErrorKind<"TooManyPipelines">;
} = defineErrors({
  PipelineUnreadable: {
    retryable: false,
    advice: "Remove the file; the gateway sends the pipeline again at the next connection",
  },
  TooManyPipelines: {
    retryable: true,
    advice:
      "Delete pipelines of this runner that nobody needs, or raise MAX_PIPELINES or PIPELINES_LIMIT_MB of the runner",
  },
});
