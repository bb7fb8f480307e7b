import fc from "fast-check";
import { expect, test } from "vitest";
import { readCron } from "../../src/protocol/schedule.ts";
import { type FireTimes, fireTimes } from "../../src/schedules/fire-times.ts";
import { FIRE_TIME_TABLE } from "./fire-time-table.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

function firesBetween(times: FireTimes, after: number, until: number): number[] {
  const fires: number[] = [];
  for (let at = times.next(after); at !== undefined && at <= until; at = times.next(at)) fires.push(at);
  return fires;
}

const isoTimes = (times: readonly number[]): string[] => times.map((time) => new Date(time).toISOString());

test.each(FIRE_TIME_TABLE)("$what: $cron in $timeZone", ({ cron, timeZone, between, fires }) => {
  const times = fireTimes({ cron, timeZone });
  const [after, until] = [Date.parse(between[0]), Date.parse(between[1])];
  const expected = fires.map((fire) => Date.parse(fire));
  expect(isoTimes(firesBetween(times, after, until))).toEqual(isoTimes(expected));
  // Backwards the same fires are found as forwards.
  const last = expected.at(-1) ?? Number.NaN;
  expect(times.latest(until)).toBe(last);
  expect(times.latest(last)).toBe(last);
  expect(times.latest(last - 1)).toBe(expected.at(-2) ?? times.latest(after));
});

/** What a wall clock in the zone shows, minute by minute: the definition itself, slow and obvious. */
function firesByLooking(plain: string, timeZone: string, after: number, until: number): number[] {
  const [minutes, hours, days, months, weekdays] = plain
    .split(" ")
    .map((field) => (field === "*" ? undefined : field.split(",").map(Number)));
  const clock = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
  });
  const fires: number[] = [];
  for (let at = after - (after % MINUTE_MS) + MINUTE_MS; at <= until; at += MINUTE_MS) {
    const shown = Object.fromEntries(clock.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0 } = shown;
    if (minutes?.includes(minute) === false || hours?.includes(hour) === false) continue;
    if (months?.includes(month) === false) continue;
    const weekday = new Date(Date.UTC(year, month - 1, day)).getUTCDay();
    const [byDay, byWeekday] = [days?.includes(day), weekdays?.includes(weekday)];
    if (byDay === undefined || byWeekday === undefined ? byDay !== false && byWeekday !== false : byDay || byWeekday) {
      fires.push(at);
    }
  }
  return fires;
}

const field = (least: number, most: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min: least, max: most }).map(String),
    fc.tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most })).map(([a, b]) => `${a},${b}`),
    fc
      .tuple(fc.integer({ min: least, max: most }), fc.integer({ min: least, max: most }))
      .map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
    fc.integer({ min: 1, max: most }).map((step) => `*/${step}`),
  );

/** Two days around changes of the clock. */
const CHANGES: readonly (readonly [string, string])[] = [
  ["Europe/Berlin", "2026-03-28T12:00Z"],
  ["Europe/Berlin", "2026-10-24T12:00Z"],
  ["America/New_York", "2026-03-07T12:00Z"],
  ["America/New_York", "2026-10-31T12:00Z"],
  ["Australia/Lord_Howe", "2026-10-03T00:00Z"],
  ["Australia/Lord_Howe", "2026-04-04T00:00Z"],
  ["America/Sao_Paulo", "2018-11-03T12:00Z"],
  ["Africa/Casablanca", "2026-02-14T12:00Z"],
  ["Asia/Kolkata", "2026-03-28T12:00Z"],
];

test("fireTimes fires at every minute whose reading on the zone's wall clock matches, and at no other", () => {
  fc.assert(
    fc.property(
      fc.tuple(field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 7)),
      fc.constantFrom(...CHANGES),
      (fields, [timeZone, from]) => {
        const reading = readCron(fields.join(" "));
        fc.pre("plain" in reading);
        const plain = "plain" in reading ? reading.plain : "";
        const [after, until] = [Date.parse(from), Date.parse(from) + 1.5 * DAY_MS];
        const found = firesBetween(fireTimes({ cron: fields.join(" "), timeZone }), after, until);
        expect(isoTimes(found)).toEqual(isoTimes(firesByLooking(plain, timeZone, after, until)));
      },
    ),
    { numRuns: 60 },
  );
});

test("fireTimes refuses what the grammar refuses, with the field's name", () => {
  expect(() => fireTimes({ cron: "0 25 * * *", timeZone: "UTC" })).toThrow(
    /Cannot use the schedule: .*field 2 \(hour\)/,
  );
  expect(() => fireTimes({ cron: "@daily", timeZone: "Mars/Olympus" })).toThrow(/timeZone/);
});

test("fireTimes takes moments that aren't whole seconds", () => {
  const times = fireTimes({ cron: "* * * * *", timeZone: "UTC" });
  const minute = Date.parse("2026-01-01T00:00Z");
  expect(times.next(minute - 1)).toBe(minute);
  expect(times.next(minute)).toBe(minute + MINUTE_MS);
  expect(times.next(minute + 1)).toBe(minute + MINUTE_MS);
  expect(times.latest(minute - 1)).toBe(minute - MINUTE_MS);
  expect(times.latest(minute)).toBe(minute);
  expect(times.latest(minute + 1)).toBe(minute);
});
