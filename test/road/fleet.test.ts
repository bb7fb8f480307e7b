import { expect, test } from "vitest";
import { measureFleet } from "../../scripts/fleet/measure.ts";

test("100 runners come back after the gateway was killed: all within a minute, and not all at once", async () => {
  const figures = await measureFleet({ runners: 100, downSeconds: 1, signal: "SIGKILL", say: () => undefined });
  expect(figures.runners).toBe(100);
  expect(figures.back.p95).toBeLessThanOrEqual(60);
  expect(Math.max(...figures.dialsPerSecond)).toBeLessThanOrEqual(50);
}, 180_000);
