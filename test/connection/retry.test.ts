import { expect, test } from "vitest";
import { endingByCode, endingByName, RetryPlan } from "../../src/connection/retry.ts";
import { isOlderVersion } from "../../src/connection/welcome.ts";
import { CLOSE_CODES } from "../../src/protocol/close-codes.ts";
import { FakeClock } from "../fakes/clock.ts";

const atMost = new FakeClock(0, () => 0.999_999);
const atLeast = new FakeClock(0, () => 0);

test("RetryPlan draws quick delays from 0 to a window that doubles from 1 s to 60 s", () => {
  const plan = new RetryPlan(atMost, 0);
  const ending = endingByName("goingAway", "");
  const delays = Array.from({ length: 8 }, () => plan.delayAfter(ending, 0) / 1000);
  expect(delays.map(Math.round)).toEqual([1, 2, 4, 8, 16, 32, 60, 60]);
  expect(new RetryPlan(atLeast, 0).delayAfter(ending, 0)).toBe(0);
});

test("RetryPlan draws slow delays from 60 s up to 10 minutes", () => {
  const most = new RetryPlan(atMost, 0);
  const ending = endingByName("unauthorized", "");
  expect(Array.from({ length: 5 }, () => Math.round(most.delayAfter(ending, 0) / 1000))).toEqual([
    120, 240, 480, 600, 600,
  ]);
  expect(new RetryPlan(atLeast, 0).delayAfter(ending, 0)).toBe(60_000);
});

test.each([0, 0.999_999])("RetryPlan never goes below its floor (chance %d)", (chance) => {
  const plan = new RetryPlan(new FakeClock(0, () => chance), 300_000);
  for (const name of ["goingAway", "unauthorized", "superseded"] as const) {
    expect(plan.delayAfter(endingByName(name, ""), 0)).toBeGreaterThanOrEqual(300_000);
  }
});

test("RetryPlan starts anew after a stable minute and not before", () => {
  const plan = new RetryPlan(atMost, 0);
  const ending = endingByCode(1006, "");
  const seconds = (readyForMs: number): number => Math.round(plan.delayAfter(ending, readyForMs) / 1000);
  expect([seconds(0), seconds(0), seconds(59_999), seconds(60_000), seconds(0)]).toEqual([1, 2, 4, 1, 2]);
});

test("RetryPlan takes what the gateway asks for as the least delay, spreads it, and bounds it", () => {
  const asked = endingByName("goingAway", "", 100);
  expect(new RetryPlan(atLeast, 0).delayAfter(asked, 0)).toBe(100_000);
  expect(new RetryPlan(atMost, 0).delayAfter(asked, 0)).toBe(105_000);
  expect(new RetryPlan(atLeast, 0).delayAfter(endingByName("tooMany", "", 5), 0)).toBe(60_000);
  expect(new RetryPlan(atLeast, 0).delayAfter(endingByName("goingAway", "", 10 ** 9), 0)).toBe(3_600_000);
});

test("RetryPlan spreads the first redials of a fleet evenly over the time that the gateway asked for", () => {
  const [runners, seconds] = [500, 25];
  const perSecond = new Array<number>(seconds).fill(0);
  for (let runner = 0; runner < runners; runner++) {
    const plan = new RetryPlan(new FakeClock(0, () => (runner + 0.5) / runners), 0);
    plan.spreadOver(seconds);
    const second = Math.floor(plan.delayAfter(endingByCode(1006, ""), 0) / 1000);
    perSecond[second] = (perSecond[second] ?? 0) + 1;
  }
  expect(perSecond).toEqual(new Array<number>(seconds).fill(runners / seconds));
});

test("RetryPlan lets a process on standby ask at an even pace", () => {
  const plan = new RetryPlan(atMost, 0);
  const delays = Array.from({ length: 5 }, () => plan.delayAfter(endingByName("superseded", ""), 0));
  expect(new Set(delays)).toEqual(new Set([120_000]));
});

test("endingByCode knows each close code, but for normal, which is the runner's own", () => {
  for (const row of Object.values(CLOSE_CODES)) {
    const ending = endingByCode(row.code, "");
    if (row.name === "normal") expect(ending).toMatchObject({ reason: "disconnected", retry: "now" });
    else expect(ending).toMatchObject({ reason: row.name, retry: row.retry });
  }
  expect(endingByCode(1006, "")).toMatchObject({ reason: "disconnected", retry: "now" });
});

test.each([
  ["1.9.0", "1.10.0", true],
  ["1.10.0", "1.10.0", false],
  ["1.10", "1.10.0", false],
  ["2.0.0", "1.99.99", false],
  ["v0.9.9-rc.1", "1", true],
  ["1.10.0-dev", "1.10.0", false],
])("isOlderVersion of %s against %s is %s", (version, minimum, older) => {
  expect(isOlderVersion(version, minimum)).toBe(older);
});
