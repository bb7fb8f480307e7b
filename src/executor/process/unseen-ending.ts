import type { RunEnding } from "./end-report.ts";
import type { RunClaim } from "./run-records.ts";

/** The end of a run that nobody may start any more, from the claim that says so. */
export function abandonedEnding(claim: Extract<RunClaim, { who: "abandoned" }>, now: number): RunEnding {
  const proof = `never started: ${claim.evidence}`;
  if (claim.why === "stopped") return { state: "stopped", proof, endedAt: now };
  const failure =
    claim.why === "startTimeout"
      ? { category: "StartTimeout" as const, summary: "The run was not started before its time limit", detail: proof }
      : { category: "StartFailed" as const, summary: "The run's supervisor doesn't start", detail: proof };
  return { state: "failed", proof, endedAt: now, failure };
}

/** The failure of a run that nobody saw the end of. */
export function lost(detail: string): NonNullable<RunEnding["failure"]> {
  return { category: "Lost", summary: "How the run ended is not known", detail };
}
