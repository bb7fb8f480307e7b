import fc from "fast-check";
import { expect, test } from "vitest";
import { backoffDelay } from "../../src/base/backoff.ts";
import { FakeClock } from "../fakes/clock.ts";

const limits = { floorMs: 0, baseMs: 1000, capMs: 60_000 };

test("backoffDelay stays between floor and the larger of floor and window for every attempt and draw", () => {
  fc.assert(
    fc.property(
      fc.nat(200),
      fc.double({ min: 0, max: 0.999999, noNaN: true }),
      fc.nat(100_000),
      (attempt, draw, floorMs) => {
        const delay = backoffDelay(attempt, { ...limits, floorMs }, new FakeClock(0, () => draw));
        expect(delay).toBeGreaterThanOrEqual(floorMs);
        expect(delay).toBeLessThanOrEqual(Math.max(floorMs, Math.min(60_000, 1000 * 2 ** Math.min(attempt, 30))));
      },
    ),
  );
});

test("backoffDelay doubles its window up to the cap", () => {
  const top = new FakeClock(0, () => 1);
  expect([0, 1, 2, 6, 50].map((attempt) => backoffDelay(attempt, limits, top))).toEqual([
    1000, 2000, 4000, 60_000, 60_000,
  ]);
});
