import { defineErrors, type ErrorKind } from "../../../base/errors.ts";

/** Error kinds of deployed pipelines as objects of the cluster. */
export const DEPLOYMENT_ERRORS: {
  readonly ObjectNotOurs: ErrorKind<"ObjectNotOurs">;
  readonly ObjectUnsettled: ErrorKind<"ObjectUnsettled">;
} = defineErrors({
  ObjectNotOurs: {
    retryable: true,
    advice:
      "Remove the pipeline from the runner that the message names, or give each runner an INGESTION_NAMESPACE of its own",
  },
  ObjectUnsettled: {
    retryable: true,
    advice: "See what else changes the object that the message names, for example another runner with the same id",
  },
});
