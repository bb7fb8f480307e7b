import { expect, test } from "vitest";
import { Durations } from "../../src/base/durations.ts";
import { FakeClock } from "../fakes/clock.ts";

test("durations are counted, summed and sorted into buckets that include the smaller ones", () => {
  const durations = new Durations(new FakeClock(), [0.01, 0.1]);
  for (const ms of [10, 50, 2000]) durations.note(ms);
  expect(durations.read()).toEqual({
    count: 3,
    sumSeconds: 2.06,
    maxSeconds: 2,
    buckets: [
      { boundSeconds: 0.01, count: 1 },
      { boundSeconds: 0.1, count: 2 },
    ],
  });
});

test("the longest is forgotten after one to two minutes, the count never", async () => {
  const clock = new FakeClock();
  const durations = new Durations(clock);
  durations.note(5000);
  await clock.advance(59_000);
  durations.note(100);
  expect(durations.read().maxSeconds).toBe(5);
  await clock.advance(2_000);
  expect(durations.read().maxSeconds).toBe(5);
  durations.note(200);
  await clock.advance(60_000);
  expect(durations.read().maxSeconds).toBe(0.2);
  await clock.advance(600_000);
  expect(durations.read()).toMatchObject({ count: 3, maxSeconds: 0 });
});
