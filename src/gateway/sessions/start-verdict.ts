import { assertNever } from "../../base/errors.ts";
import type { FailureCategory } from "../../protocol/failure-category.ts";
import type { RefusalReason, RunReport } from "../../protocol/messages.ts";
import type { VerdictBody } from "./sessions.ts";

/** What a verdict on `run.start` means for the run. */
export type StartOutcome =
  | { readonly kind: "accepted"; readonly report?: RunReport }
  /** Offered again after a while. */
  | { readonly kind: "retry" }
  /** The runner has no room: nothing is offered until a run ends or a while has passed. */
  | { readonly kind: "full" }
  /** The runner takes no runs at all for now. */
  | { readonly kind: "pause" }
  /** The runner lacks this generation of the pipeline: it is sent again first. */
  | { readonly kind: "redeploy" }
  | {
      readonly kind: "failed";
      readonly category: FailureCategory;
      readonly summary: string;
      readonly detail: string;
      readonly advice?: string;
    };

/** Reads the verdict on `run.start`. */
export function startOutcome(verdict: VerdictBody): StartOutcome {
  switch (verdict.outcome) {
    case "accepted":
      return verdict.run === undefined ? { kind: "accepted" } : { kind: "accepted", report: verdict.run };
    case "duplicate":
      return { kind: "accepted", report: verdict.run };
    case "refused":
      return refusalOutcome(verdict.reason, verdict.message, verdict.advice);
    case "unsupported":
      return {
        kind: "failed",
        category: "ConfigError",
        summary: "The runner can't start runs of this kind",
        detail: verdict.message,
      };
    case "answered":
      return { kind: "retry" };
    default:
      return assertNever(verdict, "verdict");
  }
}

/** What a refusal of a pipeline or a run says about its configuration, or undefined when waiting may help. */
export function refusalFailure(
  reason: RefusalReason | "unsupported" | "tooLarge",
): { readonly category: FailureCategory; readonly summary: string } | undefined {
  if (reason === "policy") return { category: "PolicyDenied", summary: "The runner's policy doesn't allow it" };
  if (reason === "badConfig")
    return {
      category: "ConfigError",
      summary: "The runner's settings or the pipeline's configuration don't allow it",
    };
  if (reason === "noExecutor")
    return { category: "ConfigError", summary: "The runner has no executor that could run it" };
  if (reason === "unsupported") return { category: "ConfigError", summary: "The runner can't take this pipeline" };
  if (reason === "tooLarge")
    return { category: "ConfigError", summary: "The pipeline's configuration is too large to be sent" };
  return undefined;
}

function refusalOutcome(reason: RefusalReason, message: string, advice: string): StartOutcome {
  const failure = refusalFailure(reason);
  if (failure !== undefined) return { kind: "failed", ...failure, detail: message, advice };
  if (reason === "full") return { kind: "full" };
  if (reason === "draining" || reason === "standby") return { kind: "pause" };
  if (reason === "unknownPipeline" || reason === "staleGeneration") return { kind: "redeploy" };
  return { kind: "retry" };
}
