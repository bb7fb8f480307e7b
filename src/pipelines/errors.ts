import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of deployed pipelines. */
export const PIPELINE_ERRORS: { readonly PipelineUnreadable: ErrorKind<"PipelineUnreadable"> } = defineErrors({
  PipelineUnreadable: {
    retryable: false,
    advice: "Remove the file; the gateway sends the pipeline again at the next connection",
  },
});
