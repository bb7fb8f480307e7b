import { expect, test } from "vitest";
import { measureFleet } from "../../scripts/fleet/measure.ts";

test("100 runners come back after the gateway was killed: all of them", async () => {
  const figures = await measureFleet({ runners: 100, downSeconds: 1, signal: "SIGKILL", say: () => undefined });
  expect(figures.runners).toBe(100);
});
