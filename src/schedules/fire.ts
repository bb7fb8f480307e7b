import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { type DueFire, type Entry, recordOf } from "./entry.ts";
import type { ScheduleRecords } from "./schedule-records.ts";

/** A run that a schedule wants. The id is chosen and durable before this is asked. */
export interface ScheduledOrder {
  readonly runId: string;
  readonly pipelineId: string;
  readonly generation: number;
  readonly attempt: number;
  /** Epoch milliseconds of this machine. */
  readonly startBefore: number;
}

/** What became of it: started (or there already), to be asked for again, or never to be. */
export type StartAnswer =
  | { readonly outcome: "started" }
  | { readonly outcome: "later" | "never"; readonly reason: string };

/** The runs of this runner, as far as schedules need them. */
export interface ScheduledRuns {
  /** Id of a live run of the pipeline. */
  liveRunOf(pipelineId: string): string | undefined;
  /** True when a run more could be started now. */
  hasRoom(): boolean;
  start(order: ScheduledOrder): Promise<StartAnswer>;
}

/** What became of fires since the start of this process. */
export interface FireCounts {
  started: number;
  /** A run of the pipeline was live, or the pipeline was told to stop while the fire waited. */
  skipped: number;
  /** Gave way to a newer fire, came too late, or was refused for good. Several missed while nobody watched count as one or two. */
  missed: number;
}

/** What one fire stands on. */
export interface FireSurroundings {
  readonly records: ScheduleRecords;
  readonly runs: ScheduledRuns;
  readonly log: Log;
  readonly counts: FireCounts;
  readonly now: number;
}

/** A missed fire is made up for when it is no older than this: a weekly pipeline survives any shorter outage. */
export const MAX_LATE_MS: number = 7 * 24 * 3_600_000;

/** A program that has not been started this long after its run was made never is. */
const START_LIMIT_MS = 300_000;

/**
 * Decides on the entry's waiting fire, in the turn of its pipeline, and starts its run. The decision is durable before
 * the run is started, under an id that a restart uses again: no fire becomes two runs, none that was decided is lost.
 * Answers false when the fire has to wait. @throws what the records throw; nothing was started then
 */
export async function fire(entry: Entry, surroundings: FireSurroundings): Promise<boolean> {
  const { runs, log, counts, now } = surroundings;
  const { waiting, pipelineId } = entry;
  if (waiting === undefined) return true;
  const live = runs.liveRunOf(pipelineId);
  if (live !== undefined && live !== waiting.runId) {
    await settle(entry, waiting, surroundings);
    counts.skipped++;
    log.warn("A scheduled run was skipped, because a run of its pipeline is live", {
      ...fields(entry, waiting),
      live,
    });
    return true;
  }
  if (now - waiting.due > MAX_LATE_MS) {
    await settle(entry, waiting, surroundings);
    counts.missed++;
    log.warn("A scheduled run came too late and is not made up for", fields(entry, waiting));
    return true;
  }
  if (live === undefined && !runs.hasRoom()) return false;
  return start(entry, waiting, surroundings);
}

async function start(entry: Entry, waiting: DueFire, surroundings: FireSurroundings): Promise<boolean> {
  const { records, runs, log, counts, now } = surroundings;
  const { due, runId = crypto.randomUUID() } = waiting;
  const considered = Math.max(entry.considered, due);
  await records.write({ ...recordOf(entry, { runId, due }), considered });
  entry.considered = considered;
  entry.waiting = { due, runId };
  const { pipelineId, generation } = entry;
  const answer = await runs.start({
    runId,
    pipelineId,
    generation,
    attempt: 1,
    startBefore: now + START_LIMIT_MS,
  });
  if (answer.outcome === "later") {
    log.debug("A scheduled run has to wait", { ...fields(entry, waiting), reason: answer.reason });
    return false;
  }
  entry.waiting = undefined;
  if (answer.outcome === "started") {
    counts.started++;
    log.info("A schedule started a run", { ...fields(entry, waiting), run: runId, late: now - due });
  } else {
    counts.missed++;
    log.error("A scheduled run was refused", { ...fields(entry, waiting), reason: answer.reason });
  }
  // The next start would find the run under this id, so a failure here does no harm.
  await records.write(recordOf(entry)).catch((error: unknown) => {
    log.warn("A schedule's record can't be written", { pipeline: pipelineId, error: describeError(error) });
  });
  return true;
}

/** The fire is decided upon without a run. @throws what the records throw */
export async function settle(
  entry: Entry,
  waiting: DueFire,
  { records }: Pick<FireSurroundings, "records">,
): Promise<void> {
  const considered = Math.max(entry.considered, waiting.due);
  await records.write({ ...recordOf(entry), considered });
  entry.considered = considered;
  entry.waiting = undefined;
}

/** What a line of the log says about a fire. */
export function fields(entry: Entry, waiting: DueFire): Record<string, string> {
  return { pipeline: entry.pipelineId, due: new Date(waiting.due).toISOString() };
}
