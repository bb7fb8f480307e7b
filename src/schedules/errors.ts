import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of schedules. */
export const SCHEDULE_ERRORS: {
  readonly ScheduleInvalid: ErrorKind<"ScheduleInvalid">;
  readonly ScheduleRecordDamaged: ErrorKind<"ScheduleRecordDamaged">;
} = defineErrors({
  ScheduleInvalid: {
    retryable: false,
    advice: "Correct the schedule's cron or time zone and deploy the pipeline again",
  },
  ScheduleRecordDamaged: {
    retryable: false,
    advice: "Nothing has to be done: the schedule goes on from now and nothing is made up for; check the disk",
  },
});
