import { defineErrors, type ErrorKind } from "../../base/errors.ts";

/** Error kinds of the Kubernetes executor. What goes wrong inside a run is told by its report. */
export const KUBERNETES_EXECUTOR_ERRORS: {
  readonly RunObjectTaken: ErrorKind<"RunObjectTaken">;
  readonly RunNotMade: ErrorKind<"RunNotMade">;
  readonly ImageVersionDiffers: ErrorKind<"ImageVersionDiffers">;
  readonly RunNotAdmitted: ErrorKind<"RunNotAdmitted">;
  readonly PodUnworkable: ErrorKind<"PodUnworkable">;
} = defineErrors({
  RunObjectTaken: {
    retryable: false,
    advice: "See who made the Job of this name: its labels tell; remove it, or give the runner a namespace of its own",
  },
  RunNotMade: {
    retryable: true,
    advice: "See the cause: the run's Job was taken back, and the run can be offered again",
  },
  RunNotAdmitted: {
    retryable: true,
    advice: "Read the API server's words: a quota or an admission rule of the namespace refuses what a run is made of",
  },
  PodUnworkable: { retryable: false, advice: "Correct what the message names, then deploy or run again" },
  ImageVersionDiffers: {
    retryable: false,
    advice:
      "Take an ingestion image of the server's version, let the image follow it with DYNAMIC_INGESTION_VERSION_ENABLED=true, or only be warned with INGESTION_DISABLE_VERSION_VALIDATION=true",
  },
});
