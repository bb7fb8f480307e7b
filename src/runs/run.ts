import { clip } from "../base/clip.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Executor } from "../executor/executor.ts";
import { FAILURE_CATEGORIES } from "../protocol/failure-category.ts";
import type { RunReport } from "../protocol/messages.ts";
import type { RunTable } from "./run-table.ts";

/** What the life of a run stands on. */
export interface RunSurroundings {
  readonly executor: Pick<Executor, "observe">;
  readonly table: RunTable;
  /** Hands a report to whoever brings it to the gateway. */
  readonly emit: (report: RunReport) => void;
  readonly log: Log;
}

/**
 * The life of one run whose object exists, from now to its end: follow what the executor observes, tell each step forward.
 * Ends with the terminal state and all that is told of it, or when the signal aborts because this process stops; the run itself goes on then.
 */
export async function followRun(runId: string, surroundings: RunSurroundings, signal: AbortSignal): Promise<void> {
  const { executor, table, emit, log } = surroundings;
  try {
    for await (const report of executor.observe(runId, signal)) {
      if (!table.advance(report)) continue;
      log.info("Run changed", { run: runId, state: report.state, ...moreOf(report) });
      emit(report);
    }
  } catch (error) {
    if (signal.aborted) return;
    log.error("Run can't be followed any more", { run: runId, error });
    endUnobserved(runId, surroundings, describeError(error));
  }
}

/** No proof is never success: what can't be followed is Lost. */
function endUnobserved(runId: string, { table, emit }: RunSurroundings, detail: string): void {
  const known = table.get(runId);
  if (known === undefined) return;
  const report: RunReport = {
    runId,
    pipelineId: known.pipelineId,
    attempt: known.attempt,
    state: "failed",
    failure: {
      category: "Lost",
      summary: "the runner could no longer follow the run",
      detail: clip(detail, 4000),
      advice: FAILURE_CATEGORIES.Lost,
      logTail: [],
    },
  };
  if (table.advance(report)) emit(report);
}

function moreOf(report: RunReport): Record<string, string | number> {
  return {
    ...(report.attempt === 1 ? {} : { attempt: report.attempt }),
    ...(report.waiting === undefined ? {} : { waiting: report.waiting }),
    ...(report.failure === undefined ? {} : { category: report.failure.category, summary: report.failure.summary }),
  };
}
