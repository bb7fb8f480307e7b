import { Cron } from "croner";
import { CodedError } from "../base/errors.ts";
import type { Schedule } from "../protocol/messages.ts";
import { readCron, scheduleMistake } from "../protocol/schedule.ts";
import { SCHEDULE_ERRORS } from "./errors.ts";

/** When a schedule fires: at every minute whose reading on the zone's wall clock matches. Epoch milliseconds. */
export interface FireTimes {
  /** The first fire after this moment, undefined when none is left. */
  next(after: number): number | undefined;
  /** The last fire up to and with this moment. */
  latest(until: number): number | undefined;
}

/**
 * The fire times of a schedule; made when needed and not kept, since the library holds 80 KB for each. Wall-clock readings that a day leaves out (clocks go forward) don't fire, those it has
 * twice (clocks go back) fire twice: so does Kubernetes, and an executor must not change what a schedule means.
 * @throws CodedError ScheduleInvalid
 */
export function fireTimes(schedule: Schedule): FireTimes {
  const mistake = scheduleMistake(schedule);
  const reading = readCron(schedule.cron);
  if (mistake !== undefined || "mistake" in reading) {
    throw new CodedError(SCHEDULE_ERRORS.ScheduleInvalid, `Cannot use the schedule: ${mistake ?? "it is unreadable"}`);
  }
  const cron = new Cron(matchEveryReading(reading.plain), { timezone: schedule.timeZone, mode: "5-part" });
  return {
    next: (after) => cron.nextRun(new Date(after))?.getTime(),
    latest: (until) => cron.previousRuns(1, new Date(until + 1))[0]?.getTime(),
  };
}

/**
 * The library moves a fire at one fixed time of day out of a gap and fires it once in a doubled hour, other schedules
 * not. A step makes every schedule one of the others, so that one rule holds for all.
 */
function matchEveryReading(plain: string): string {
  const [minute = "", ...others] = plain.split(" ");
  const stepped = minute.split(",").map((value) => (value === "*" ? value : `${value}-${value}/1`));
  return [stepped.join(","), ...others].join(" ");
}
