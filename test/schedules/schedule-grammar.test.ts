import { expect, test } from "vitest";
import { readCron, scheduleMistake } from "../../src/protocol/schedule.ts";

test.each([
  ["@hourly", "0 * * * *"],
  ["@daily", "0 0 * * *"],
  ["@weekly", "0 0 * * 0"],
  ["@monthly", "0 0 1 * *"],
  ["@yearly", "0 0 1 1 *"],
  ["0 0/6 * * *", "0 0,6,12,18 * * *"],
  ["*/20 9-17/4 * * *", "0,20,40 9,13,17 * * *"],
  ["  5   4 *\t* * ", "5 4 * * *"],
  ["0 0 * JAN,mar Mon-Fri", "0 0 * 1,3 1,2,3,4,5"],
  ["0 0 * * 7", "0 0 * * 0"],
  ["0 0 * * fri-sun", "0 0 * * 0,5,6"],
  ["0 0 * * sun-tue", "0 0 * * 0,1,2"],
  ["*/1 ? ? * ?", "* * * * *"],
  ["*,5 * * * *", "* * * * *"],
  ["0 0 */2 * 1", `0 0 ${[1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31].join(",")} * 1`],
  ["0 0 1 * 0-6", "0 0 1 * 0,1,2,3,4,5,6"],
  ["0 0 29 2 *", "0 0 29 2 *"],
])("readCron writes %s plainly", (text, plain) => {
  expect(readCron(text)).toEqual({ plain });
  expect(readCron(plain)).toEqual({ plain });
});

test.each([
  ["", "must have five fields"],
  ["* * * *", "has 4"],
  ["0 0 * * * *", "has 6"],
  ["0 0 * * * 2026 *", "has 7"],
  ["@every 5m", "must be one of @hourly"],
  ["@Daily", "must be one of @hourly"],
  ["60 * * * *", 'field 1 (minute) has "60": must be 0 to 59'],
  ["* 24 * * *", "field 2 (hour)"],
  ["* * 0 * *", "field 3 (day of month)"],
  ["* * * 13 *", "field 4 (month)"],
  ["* * * * 8", "field 5 (day of week)"],
  ["-1 * * * *", "field 1"],
  ["1.5 * * * *", "field 1"],
  ["5-1 * * * *", "begins after its end"],
  ["1-2-3 * * * *", "two ranges"],
  ["1/2/3 * * * *", "two steps"],
  ["*/0 * * * *", "step must be 1 to 59"],
  ["*/60 * * * *", "step must be 1 to 59"],
  ["1,,2 * * * *", "field 1"],
  ["* * L * *", "field 3"],
  ["* * 15W * *", "field 3"],
  ["* * * * 1#2", "field 5"],
  ["* * * january *", "field 4"],
  ["TZ=UTC * * * *", "field 1"],
  ["0 0 30 2 *", "no such day in its months"],
  ["0 0 31 feb,apr,jun *", "no such day in its months"],
])("readCron refuses %j and names the field", (text, words) => {
  const reading = readCron(text);
  expect("mistake" in reading ? reading.mistake : reading.plain).toContain(words);
});

test.each([
  "UTC",
  "Europe/Berlin",
  "America/Argentina/Buenos_Aires",
  "Etc/GMT+5",
  "Australia/Lord_Howe",
  "Asia/Kolkata",
  "Asia/Calcutta",
  "GB-Eire",
])("scheduleMistake finds nothing wrong with the zone %s", (timeZone) => {
  expect(scheduleMistake({ cron: "@daily", timeZone })).toBeUndefined();
});

test.each([
  "",
  "Europe/Atlantis",
  "+02:00",
  "UTC+2",
  "Europe/Berlin ",
  "../etc/passwd",
  "europe/berlin",
  "asia/kolkata",
  "utc",
  "PST",
  "SystemV/AST4",
  "Local",
])("scheduleMistake refuses the zone %j by its field's name", (timeZone) => {
  expect(scheduleMistake({ cron: "@daily", timeZone })).toMatch(/^timeZone is ".*": must be the IANA name/);
});
