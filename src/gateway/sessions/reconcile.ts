import type { MessageBodies } from "../../protocol/messages.ts";
import { isTerminal, supersedes } from "../../protocol/run-state.ts";
import type { RunRecord } from "../store/store.ts";

/** A run as an inventory names it. */
export type ReportedRun = MessageBodies["inventory"]["runs"][number];

/** What follows from the difference between the runs a runner says it has and those the gateway knows. */
export interface RunDifference {
  /** Offered once, but the runner doesn't have them: they wait again. */
  readonly waitAgain: readonly string[];
  /** The runner has them, so it accepted them. */
  readonly accepted: readonly string[];
  /** Runs to ask for with `run.status`: accepted ones that are missing, and those the runner knows more of. */
  readonly doubtful: readonly string[];
  /** Live on the runner, though their stop was settled here. */
  readonly toStop: readonly string[];
}

/**
 * Compares without changing anything.
 * @param open the runs of this runner that have not ended here
 * @param known every run of the inventory that the gateway knows, by id
 */
export function compareRuns(
  open: readonly RunRecord[],
  reported: readonly ReportedRun[],
  known: ReadonlyMap<string, RunRecord>,
): RunDifference {
  const reportedIds = new Set(reported.map((run) => run.runId));
  const missing = open.filter((run) => !reportedIds.has(run.runId));
  const present = open.filter((run) => reportedIds.has(run.runId));
  const newer = reported.filter((run) => {
    const record = known.get(run.runId);
    return record === undefined || supersedes(run, record);
  });
  const zombies = reported.filter((run) => {
    const record = known.get(run.runId);
    return record !== undefined && isTerminal(record.state) && record.stopRequested && !isTerminal(run.state);
  });
  const vanished = missing.filter((run) => run.dispatch === "accepted");
  return {
    waitAgain: missing.filter((run) => run.dispatch === "offered").map((run) => run.runId),
    accepted: present.filter((run) => run.dispatch !== "accepted").map((run) => run.runId),
    doubtful: [...vanished, ...newer].map((run) => run.runId),
    toStop: zombies.map((run) => run.runId),
  };
}
