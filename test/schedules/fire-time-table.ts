/** When a schedule fires in a while: local wall-clock readings with their offset, found with paper and calendar. */
export interface FireTimeCase {
  readonly what: string;
  readonly cron: string;
  readonly timeZone: string;
  /** The first fire must come after this moment, the last one not after that. */
  readonly between: readonly [string, string];
  readonly fires: readonly string[];
}

/**
 * What every executor's schedules must do; the process executor computes it, a cluster's own cron has to agree.
 * 2026: Berlin leaves out 02:00 to 03:00 on 29 March and has it twice on 25 October; New York the same on 8 March and,
 * from 01:00 to 02:00, on 1 November; Lord Howe leaves out 02:00 to 02:30 on 4 October and has 01:30 to 02:00 twice on
 * 5 April. 1 January is a Thursday.
 */
export const FIRE_TIME_TABLE: readonly FireTimeCase[] = [
  {
    what: "a fixed time falls into Berlin's gap and is left out that day",
    cron: "30 2 * * *",
    timeZone: "Europe/Berlin",
    between: ["2026-03-28T00:00+01:00", "2026-03-31T00:00+02:00"],
    fires: ["2026-03-28T02:30+01:00", "2026-03-30T02:30+02:00"],
  },
  {
    what: "a fixed time in Berlin's doubled hour comes twice",
    cron: "30 2 * * *",
    timeZone: "Europe/Berlin",
    between: ["2026-10-24T12:00+02:00", "2026-10-26T12:00+01:00"],
    fires: ["2026-10-25T02:30+02:00", "2026-10-25T02:30+01:00", "2026-10-26T02:30+01:00"],
  },
  {
    what: "the edges of Berlin's gap: 02:00 is left out, 03:00 and 01:59 are not",
    cron: "0,59 1-3 * * *",
    timeZone: "Europe/Berlin",
    between: ["2026-03-29T00:00+01:00", "2026-03-29T12:00+02:00"],
    fires: ["2026-03-29T01:00+01:00", "2026-03-29T01:59+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:59+02:00"],
  },
  {
    what: "hourly goes on evenly through Berlin's gap",
    cron: "@hourly",
    timeZone: "Europe/Berlin",
    between: ["2026-03-29T00:00+01:00", "2026-03-29T04:00+02:00"],
    fires: ["2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00", "2026-03-29T04:00+02:00"],
  },
  {
    what: "hourly goes on evenly through New York's doubled hour",
    cron: "@hourly",
    timeZone: "America/New_York",
    between: ["2026-11-01T00:00-04:00", "2026-11-01T02:00-05:00"],
    fires: ["2026-11-01T01:00-04:00", "2026-11-01T01:00-05:00", "2026-11-01T02:00-05:00"],
  },
  {
    what: "a fixed time falls into New York's gap",
    cron: "15 2 * * *",
    timeZone: "America/New_York",
    between: ["2026-03-07T12:00-05:00", "2026-03-09T12:00-04:00"],
    fires: ["2026-03-09T02:15-04:00"],
  },
  {
    what: "daily outside the changed hours comes once, 23 and 25 hours apart",
    cron: "@daily",
    timeZone: "America/New_York",
    between: ["2026-03-07T12:00-05:00", "2026-03-09T12:00-04:00"],
    fires: ["2026-03-08T00:00-05:00", "2026-03-09T00:00-04:00"],
  },
  {
    what: "Lord Howe's gap is half an hour: 02:15 is left out, 02:45 is not",
    cron: "15,45 2 * * *",
    timeZone: "Australia/Lord_Howe",
    between: ["2026-10-03T00:00+10:30", "2026-10-05T00:00+11:00"],
    fires: ["2026-10-03T02:15+10:30", "2026-10-03T02:45+10:30", "2026-10-04T02:45+11:00"],
  },
  {
    what: "Lord Howe has half an hour twice: 01:45 and not 01:15",
    cron: "15,45 1 * * *",
    timeZone: "Australia/Lord_Howe",
    between: ["2026-04-05T00:00+11:00", "2026-04-06T00:00+10:30"],
    fires: ["2026-04-05T01:15+11:00", "2026-04-05T01:45+11:00", "2026-04-05T01:45+10:30"],
  },
  {
    what: "a zone without daylight saving and an offset of three quarters",
    cron: "30 2 * * *",
    timeZone: "Asia/Kathmandu",
    between: ["2026-03-28T12:00+05:45", "2026-03-30T12:00+05:45"],
    fires: ["2026-03-29T02:30+05:45", "2026-03-30T02:30+05:45"],
  },
  {
    what: "midnight that a day doesn't have is left out",
    cron: "@daily",
    timeZone: "America/Sao_Paulo",
    between: ["2018-11-03T12:00-03:00", "2018-11-05T12:00-02:00"],
    fires: ["2018-11-05T00:00-02:00"],
  },
  {
    what: "a day that a zone doesn't have (Samoa crossed the date line) is left out",
    cron: "@daily",
    timeZone: "Pacific/Apia",
    between: ["2011-12-28T12:00-10:00", "2011-12-31T12:00+14:00"],
    fires: ["2011-12-29T00:00-10:00", "2011-12-31T00:00+14:00"],
  },
  {
    what: "both day fields restricted: either will do (the 13th, or a Friday)",
    cron: "0 12 13 * 5",
    timeZone: "UTC",
    between: ["2026-01-01T00:00Z", "2026-02-01T00:00Z"],
    fires: ["02", "09", "13", "16", "23", "30"].map((day) => `2026-01-${day}T12:00Z`),
  },
  {
    what: "only the day of month restricted",
    cron: "0 12 13 * *",
    timeZone: "UTC",
    between: ["2026-01-01T00:00Z", "2026-03-01T00:00Z"],
    fires: ["2026-01-13T12:00Z", "2026-02-13T12:00Z"],
  },
  {
    what: "only the day of week restricted",
    cron: "0 12 * * 5",
    timeZone: "UTC",
    between: ["2026-01-01T00:00Z", "2026-01-20T00:00Z"],
    fires: ["2026-01-02T12:00Z", "2026-01-09T12:00Z", "2026-01-16T12:00Z"],
  },
  {
    what: "a step restricts its day field: every third day, or a Monday",
    cron: "0 0 */3 * 1",
    timeZone: "UTC",
    between: ["2026-01-01T12:00Z", "2026-01-13T12:00Z"],
    fires: ["04", "05", "07", "10", "12", "13"].map((day) => `2026-01-${day}T00:00Z`),
  },
  {
    what: "a whole range restricts too: the first, or any weekday, is every day",
    cron: "0 0 1 * 0-6",
    timeZone: "UTC",
    between: ["2026-01-01T12:00Z", "2026-01-04T12:00Z"],
    fires: ["2026-01-02T00:00Z", "2026-01-03T00:00Z", "2026-01-04T00:00Z"],
  },
  {
    what: "a star in a list leaves the day field open",
    cron: "0 0 *,7 * 1",
    timeZone: "UTC",
    between: ["2026-01-01T00:00Z", "2026-01-20T00:00Z"],
    fires: ["2026-01-05T00:00Z", "2026-01-12T00:00Z", "2026-01-19T00:00Z"],
  },
  {
    what: "the 31st skips the months that lack it",
    cron: "0 0 31 * *",
    timeZone: "UTC",
    between: ["2026-01-31T12:00Z", "2026-06-01T00:00Z"],
    fires: ["2026-03-31T00:00Z", "2026-05-31T00:00Z"],
  },
  {
    what: "the 29th of February waits for leap years",
    cron: "0 0 29 2 *",
    timeZone: "UTC",
    between: ["2026-01-01T00:00Z", "2033-01-01T00:00Z"],
    fires: ["2028-02-29T00:00Z", "2032-02-29T00:00Z"],
  },
  {
    what: "Sunday is 0 and 7",
    cron: "0 0 * * 7",
    timeZone: "UTC",
    between: ["2026-01-01T00:00Z", "2026-01-12T00:00Z"],
    fires: ["2026-01-04T00:00Z", "2026-01-11T00:00Z"],
  },
  {
    what: "weekly is Sunday's midnight, in the schedule's own zone",
    cron: "@weekly",
    timeZone: "Asia/Tokyo",
    between: ["2026-01-01T00:00Z", "2026-01-12T00:00Z"],
    fires: ["2026-01-04T00:00+09:00", "2026-01-11T00:00+09:00"],
  },
];
