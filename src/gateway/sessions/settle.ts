import { clip } from "../../base/clip.ts";
import { instant } from "../../base/instants.ts";
import { FAILURE_CATEGORIES, type FailureCategory } from "../../protocol/failure-category.ts";
import type { LogEnd, RunReport } from "../../protocol/messages.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import { sha256Hex } from "../../runtime/crypto.ts";
import type { RunRecord } from "../store/store.ts";
import type { WaitingReasons } from "./waiting.ts";

/*
 * Ends that the gateway decides by itself, as reports for `Store.takeReport`.
 */

/** Where nothing was started, nothing is missing of the log. */
const NO_LOG: LogEnd = { bytes: 0, sha256: sha256Hex("") };

interface ToldFailure {
  readonly category: FailureCategory;
  readonly summary: string;
  readonly detail?: string;
  readonly advice?: string;
}

/** Which run a report is about. */
export type RunIdentity = Pick<RunRecord, "runId" | "pipelineId" | "attempt">;

/**
 * The end of a run that its runner was never asked to start, or has refused: stopped on request, or failed behind its deadline
 * by what it waited for last. Undefined while it shall go on waiting, and for every run that is offered.
 */
export async function settleWaiting(
  run: RunRecord,
  now: number,
  reasonOf: WaitingReasons,
): Promise<RunReport | undefined> {
  if (run.dispatch !== "waiting" || isTerminal(run.state)) return undefined;
  if (run.stopRequested) return stopped(run, now);
  if (now <= run.startDeadline) return undefined;
  const { text, category = "StartTimeout", advice } = await reasonOf(run);
  return neverStarted(run, now, {
    category,
    summary: "The runner did not take the run before its deadline",
    detail: `${text}; asked for at ${instant(run.createdAt)}, to be started by ${instant(run.startDeadline)}`,
    ...(advice === undefined ? {} : { advice }),
  });
}

/** A run that was stopped before it was ever offered. */
function stopped(run: RunIdentity, now: number): RunReport {
  return {
    runId: run.runId,
    pipelineId: run.pipelineId,
    attempt: run.attempt,
    state: "stopped",
    endedAt: now,
    proof: "stop was requested before the run was given to the runner",
    log: NO_LOG,
  };
}

/** A failed run that its runner has never started; the advice is the category's. */
export function neverStarted(run: RunIdentity, now: number, told: ToldFailure): RunReport {
  return { ...failed(run, now, told), log: NO_LOG };
}

function failed(run: RunIdentity, now: number, told: ToldFailure): RunReport {
  const { category } = told;
  const advice = told.advice === undefined || told.advice === "" ? FAILURE_CATEGORIES[category] : told.advice;
  return {
    runId: run.runId,
    pipelineId: run.pipelineId,
    attempt: run.attempt,
    state: "failed",
    endedAt: now,
    failure: {
      category,
      summary: clip(told.summary, 500),
      ...(told.detail === undefined ? {} : { detail: clip(told.detail, 4000) }),
      advice: clip(advice, 500),
      logTail: [],
    },
  };
}

/** The end of an open run whose runner does not come back; `why` says so. */
export function abandoned(run: RunRecord, now: number, why: string): RunReport {
  const detail = `${why}; the last state here was ${run.state}`;
  if (run.dispatch !== "waiting") {
    const summary = "The runner had the run when it was taken out of service";
    const advice = "See on the runner's side whether the program still works there, and run again with another runner";
    return failed(run, now, { category: "Lost", summary, detail, advice });
  }
  if (run.stopRequested) return stopped(run, now);
  const summary = "The runner was taken out of service before it took the run";
  const advice = "Make the service anew with another runner, then run again";
  return neverStarted(run, now, { category: "StartTimeout", summary, detail, advice });
}

/** A run that its runner had accepted and doesn't have any more. */
export function lost(run: RunIdentity, now: number, evidence: string): RunReport {
  return failed(run, now, {
    category: "Lost",
    summary: "The runner accepted the run and no longer has it",
    detail: evidence,
  });
}
