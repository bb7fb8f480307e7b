import { clip } from "../../base/clip.ts";
import { FAILURE_CATEGORIES, type FailureCategory } from "../../protocol/failure-category.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { Failure, LogEnd, RunReport } from "../../protocol/messages.ts";
import type { RunState } from "../../protocol/run-state.ts";

/** The facts about a run that every report repeats. */
export interface RunKey {
  readonly runId: string;
  readonly pipelineId: string;
  readonly attempt: number;
}

/** What whoever saw the end of a run has to say of it. All texts are masked already. */
export interface RunEnding {
  readonly state: Extract<RunState, "success" | "failed" | "stopped">;
  /** What the state rests on. */
  readonly proof: string;
  readonly startedAt?: number;
  readonly endedAt: number;
  readonly exitCode?: number;
  /** Present exactly when the state is `failed`. */
  readonly failure?: {
    readonly category: FailureCategory;
    readonly summary: string;
    readonly detail?: string;
    /** The category's own advice when absent. */
    readonly advice?: string;
  };
}

/** The terminal report of a run, cut to the limits of the protocol so that it can always be sent. */
export function endReport(run: RunKey, ending: RunEnding, log: LogEnd, logTail: readonly string[]): RunReport {
  return {
    runId: run.runId,
    pipelineId: run.pipelineId,
    attempt: run.attempt,
    state: ending.state,
    ...(ending.startedAt === undefined ? {} : { startedAt: ending.startedAt }),
    endedAt: ending.endedAt,
    ...(ending.exitCode === undefined ? {} : { exitCode: ending.exitCode }),
    proof: clip(ending.proof, 500),
    ...(ending.failure === undefined ? {} : { failure: makeFailure(ending.failure, logTail) }),
    log,
  };
}

function makeFailure(failure: NonNullable<RunEnding["failure"]>, logTail: readonly string[]): Failure {
  return {
    category: failure.category,
    summary: clip(failure.summary, 500),
    ...(failure.detail === undefined ? {} : { detail: clip(failure.detail, 4000) }),
    advice: clip(failure.advice ?? FAILURE_CATEGORIES[failure.category], 500),
    logTail: [...logTail],
  };
}

/** The last lines of a log, cut to the protocol's limits; a line end at the very end makes no empty line. */
export function lastLines(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === "") lines.pop();
  return lines.slice(-LIMITS.failureLogLines).map((line) => clip(line, 2000));
}
