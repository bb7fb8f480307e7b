import { assertNever } from "../../base/errors.ts";
import type { FailureCategory } from "../../protocol/failure-category.ts";
import type { RefusalReason, RunReport } from "../../protocol/messages.ts";
import type { StartRefusal } from "../store/store.ts";
import type { VerdictBody } from "./sessions.ts";

/** What a verdict on `run.start` means for the run. */
export type StartOutcome =
  | { readonly kind: "accepted"; readonly report?: RunReport }
  /**
   * It waits, and is told why. `retry`: offered again after a while. `full`: the runner has no room, so nothing is offered until a
   * run ends or a while has passed. `pause`: it takes no runs at all for now. `redeploy`: it lacks this generation of the
   * pipeline, which is sent again first.
   */
  | { readonly kind: "retry" | "full" | "pause" | "redeploy"; readonly refusal: StartRefusal }
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
      return refusalOutcome(verdict);
    case "unsupported":
      return {
        kind: "failed",
        category: "ConfigError",
        summary: "The runner can't start runs of this kind",
        detail: verdict.message,
      };
    case "answered":
      return { kind: "retry", refusal: { message: "its answer was none to this question", advice: "" } };
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

function refusalOutcome(verdict: Extract<VerdictBody, { outcome: "refused" }>): StartOutcome {
  const { reason, message, advice, category } = verdict;
  const failure = refusalFailure(reason);
  if (failure !== undefined) return { kind: "failed", ...failure, detail: message, advice };
  const refusal: StartRefusal = { message, advice, ...(category === undefined ? {} : { category }) };
  return { kind: KINDS[reason] ?? "retry", refusal };
}

const KINDS: Readonly<Partial<Record<RefusalReason, "full" | "pause" | "redeploy">>> = {
  full: "full",
  draining: "pause",
  standby: "pause",
  unknownPipeline: "redeploy",
  staleGeneration: "redeploy",
};
