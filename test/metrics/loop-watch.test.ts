import { expect, test } from "vitest";
import type { Clock } from "../../src/base/clock.ts";
import { LoopWatch } from "../../src/metrics/loop-watch.ts";
import { FakeClock } from "../fakes/clock.ts";

test("the loop watch beats each second and tells the longest lag", async () => {
  const clock = new FakeClock();
  let lateBy = 0;
  const late: Clock = {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    random: () => 0,
    schedule: (delayMs, task) => clock.schedule(delayMs + lateBy, task),
  };
  let beats = 0;
  const watch = new LoopWatch(late, () => beats++);
  watch.start();
  await clock.advance(2_000);
  expect([beats, watch.lagSeconds]).toEqual([2, 0]);
  lateBy = 700;
  await clock.advance(3_000);
  expect(beats).toBe(4);
  expect(watch.lagSeconds).toBeCloseTo(0.7);
  watch.stop();
  expect(clock.waiting).toBe(0);
});
