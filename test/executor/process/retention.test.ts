import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { Executor } from "../../../src/executor/executor.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createProcessWorld, type ProcessWorld } from "./process-world.ts";

const LIMIT = { timeout: 300_000 };
const DAY_MS = 86_400_000;

/** A wall clock that can be put ahead. */
function movable(): typeof systemClock & { ahead: number } {
  const clock = { ...systemClock, ahead: 0, now: () => Date.now() + clock.ahead };
  return clock;
}

async function ended(executor: Executor, count: number): Promise<readonly string[]> {
  const specs = Array.from({ length: count }, () => specOf([]));
  for (const spec of specs) {
    await executor.start(spec);
    await endOf(executor, spec.runId);
  }
  return specs.map((spec) => spec.runId);
}

function left(world: ProcessWorld): Promise<string[]> {
  return readdir(join(world.data, "runs"));
}

test("a released run is removed when its days are over, an unreleased one never", LIMIT, async () => {
  const world = await createProcessWorld();
  const clock = movable();
  const executor = await world.open({ keepReleased: 10, keepReleasedDays: 3, clock });
  const [old = "", young = "", open = ""] = await ended(executor, 3);
  await executor.release(old);
  clock.ahead = 2 * DAY_MS;
  await executor.release(young);
  expect((await left(world)).sort()).toEqual([old, young, open].sort());
  clock.ahead = 4 * DAY_MS;
  await executor.close();
  const next = await world.open({ keepReleased: 10, keepReleasedDays: 3, clock });
  expect((await left(world)).sort()).toEqual([young, open].sort());
  clock.ahead = 400 * DAY_MS;
  await next.close();
  expect((await (await world.open({ keepReleased: 10, keepReleasedDays: 3, clock })).list()).length).toBe(1);
  expect(await left(world)).toEqual([open]);
});

test("a run that is kept for its proof alone goes by itself when the proof is worthless", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ keepReleased: 0 });
  const spec = { ...specOf([]), startBefore: Date.now() + 6000 };
  await executor.start(spec);
  await endOf(executor, spec.runId);
  await executor.release(spec.runId);
  expect(await left(world)).toEqual([spec.runId]);
  await eventually(async () => expect(await left(world)).toEqual([]), 15_000);
});

test("a damaged run is told as Lost, and goes like the others once that is acknowledged", LIMIT, async () => {
  const world = await createProcessWorld();
  const clock = movable();
  const first = await world.open({ clock });
  const [damaged = ""] = await ended(first, 1);
  await first.close();
  await writeFile(join(world.runDirectory(damaged), "intent.json"), "{");
  const second = await world.open({ clock, keepReleased: 0 });
  expect(await second.list()).toMatchObject([{ runId: damaged, state: "failed", failure: { category: "Lost" } }]);
  clock.ahead = 2 * DAY_MS;
  expect(await left(world)).toEqual([damaged]);
  await second.release(damaged);
  expect(await left(world)).toEqual([damaged]);
  clock.ahead = 3 * DAY_MS;
  await second.close();
  const third = await world.open({ clock, keepReleased: 0 });
  expect(await third.list()).toEqual([]);
  expect(await left(world)).toEqual([]);
});

test("a released run whose release record is damaged stays released", LIMIT, async () => {
  const world = await createProcessWorld();
  const clock = movable();
  const first = await world.open({ clock });
  const [runId = ""] = await ended(first, 1);
  await first.release(runId);
  await first.close();
  await writeFile(join(world.runDirectory(runId), "released.json"), "");
  clock.ahead = DAY_MS;
  const second = await world.open({ clock });
  expect(await second.list()).toEqual([]);
});

test("what a killed writer left half made in a run's directory goes when the run is released", LIMIT, async () => {
  const world = await createProcessWorld();
  const first = await world.open();
  const [before = "", after = ""] = await ended(first, 2);
  const halfMade = [before, after].map((runId) => join(world.runDirectory(runId), ".released.json.0"));
  for (const path of halfMade) await writeFile(path, "{");
  await first.release(before);
  expect(await readdir(world.runDirectory(before))).not.toContain(".released.json.0");
  await writeFile(halfMade[0] ?? "", "{");
  await first.close();
  await world.open();
  expect(await readdir(world.runDirectory(before))).not.toContain(".released.json.0");
  expect(await readdir(world.runDirectory(after))).toContain(".released.json.0");
});
