import type { Schedule } from "../protocol/messages.ts";
import { fireTimes } from "./fire-times.ts";
import type { ScheduleRecord } from "./schedule-records.ts";

/** A deployed pipeline as far as its schedule goes. */
export interface ScheduledPipeline {
  readonly pipelineId: string;
  readonly generation: number;
  readonly hash: string;
  readonly enabled: boolean;
  readonly schedule?: Schedule;
}

/** A fire that has come and is not yet a run; with the run's id once it was decided upon. */
export interface DueFire {
  readonly due: number;
  readonly runId?: string;
}

/** One schedule that fires. */
export interface Entry {
  readonly pipelineId: string;
  readonly generation: number;
  readonly hash: string;
  readonly schedule: Schedule;
  /** Every fire up to this moment has been decided upon. */
  considered: number;
  /** The first fire after `considered` that has not come yet, undefined when none is left. */
  next: number | undefined;
  /** At most one fire waits; a newer one takes its place. */
  waiting: DueFire | undefined;
}

/** A wall clock set back by more than this was wrong before; below it, fires that were made are not made again. */
export const TRUSTED_STEP_BACK_MS: number = 24 * 3_600_000;

/** An entry that goes on behind `considered`. @throws CodedError ScheduleInvalid */
export function beginEntry(
  pipeline: ScheduledPipeline & { readonly schedule: Schedule },
  considered: number,
  waiting?: DueFire,
): Entry {
  const { pipelineId, generation, hash, schedule } = pipeline;
  const next = fireTimes(schedule).next(waiting === undefined ? considered : Math.max(considered, waiting.due));
  return { pipelineId, generation, hash, schedule, considered, next, waiting };
}

/** What is kept of an entry. `run` is one that was decided upon and may not have been started. */
export function recordOf(entry: Entry, run?: { readonly runId: string; readonly due: number }): ScheduleRecord {
  const { pipelineId, generation, hash, considered } = entry;
  return { pipelineId, generation, hash, considered, ...(run === undefined ? {} : { run }) };
}

/** Where a schedule goes on, when it was considered up to `considered` and the clock says `now`. */
export function goOnFrom(considered: number, now: number): number {
  return considered > now + TRUSTED_STEP_BACK_MS ? now : considered;
}

/** Moves the fires that have come by now into `waiting`, the newest only. Answers those that will never be made. */
export function takeDue(entry: Entry, now: number): { readonly came: boolean; readonly missed: readonly number[] } {
  if (entry.next === undefined || entry.next > now) return { came: false, missed: [] };
  const times = fireTimes(entry.schedule);
  const first = entry.next;
  const newest = Math.max(first, times.latest(now) ?? first);
  const missed = [...(entry.waiting === undefined ? [] : [entry.waiting.due]), ...(newest > first ? [first] : [])];
  entry.waiting = { due: newest };
  entry.next = times.next(newest);
  return { came: true, missed };
}
