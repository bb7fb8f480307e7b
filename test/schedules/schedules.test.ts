import { expect, test } from "vitest";
import { KeyedQueue } from "../../src/base/keyed-queue.ts";
import { MemoryRecords, pipeline, World } from "./world.ts";

const HOUR_MS = 3_600_000;

test("schedules fire at their times, each under an id of its own, for a month on end", async () => {
  const world = new World("2026-01-01T00:30Z");
  const six = pipeline("0 */6 * * *");
  await world.open([six]);
  await world.until("2026-02-01T00:30Z");
  expect(world.stage.orders).toHaveLength(31 * 4);
  expect(world.stage.started().slice(0, 3)).toEqual(["2026-01-01T06:00", "2026-01-01T12:00", "2026-01-01T18:00"]);
  expect(new Set(world.stage.orders.map((order) => order.runId)).size).toBe(31 * 4);
  expect(world.stage.orders[0]).toMatchObject({ pipelineId: six.pipelineId, generation: 1, attempt: 1 });
  for (const { at, startBefore } of world.stage.orders) expect(startBefore).toBeGreaterThan(at);
});

test("a pipeline that is new, changed or switched on makes up for nothing that came before", async () => {
  const world = new World("2026-01-01T11:59Z");
  const daily = pipeline("0 12 * * *");
  const schedules = await world.open();
  await world.until("2026-01-01T12:30Z");
  await schedules.set(daily);
  await world.until("2026-01-01T13:00Z");
  expect(world.stage.started()).toEqual([]);
  await schedules.set({ ...daily, generation: 2, enabled: false });
  await world.until("2026-01-02T12:30Z");
  await schedules.set({ ...daily, generation: 3 });
  await world.until("2026-01-02T13:00Z");
  await schedules.set({ ...daily, generation: 4, schedule: { cron: "30 12 * * *", timeZone: "UTC" } });
  await world.until("2026-01-03T12:15Z");
  expect(world.stage.started()).toEqual([]);
  await world.until("2026-01-03T13:00Z");
  expect(world.stage.started()).toEqual(["2026-01-03T12:30"]);
});

test("a switched off, removed or unscheduled pipeline fires nothing and leaves no record", async () => {
  const records = new MemoryRecords();
  const world = new World("2026-01-01T00:30Z", records);
  const [off, gone, onDemand] = [pipeline("@hourly"), pipeline("@hourly"), pipeline("@hourly")];
  const schedules = await world.open([off, gone, onDemand]);
  expect(schedules.sizes()).toEqual({ schedules: 3, waiting: 0 });
  await schedules.set({ ...off, generation: 2, enabled: false });
  await schedules.remove(gone.pipelineId);
  const { schedule: _, ...unscheduled } = onDemand;
  await schedules.set({ ...unscheduled, generation: 2 });
  await world.until("2026-01-01T03:30Z");
  expect(world.stage.orders).toEqual([]);
  expect([...records.kept.keys()]).toEqual([]);
  expect(schedules.sizes()).toEqual({ schedules: 0, waiting: 0 });
});

test("a fire is skipped, counted and told while a run of its pipeline is live, whoever started that", async () => {
  const world = new World("2026-01-01T00:30Z");
  const [busy, other] = [pipeline("@hourly"), pipeline("@hourly")];
  const schedules = await world.open([busy, other]);
  world.stage.live.set(busy.pipelineId, "manual-run");
  await world.until("2026-01-01T02:30Z");
  expect(world.stage.orders.map((order) => order.pipelineId)).toEqual([other.pipelineId, other.pipelineId]);
  expect(schedules.counts()).toEqual({ started: 2, skipped: 2, missed: 0 });
  expect(world.lines.join("")).toMatch(/skipped, because a run of its pipeline is live .*live=manual-run/);
  world.stage.live.clear();
  schedules.wake();
  await world.until("2026-01-01T02:45Z");
  expect(world.stage.orders).toHaveLength(2);
  await world.until("2026-01-01T03:30Z");
  expect(world.stage.orders).toHaveLength(4);
});

test("a skipped fire is not made up for by the next process", async () => {
  const records = new MemoryRecords();
  const world = new World("2026-01-01T00:30Z", records);
  const hourly = pipeline("@hourly");
  const schedules = await world.open([hourly]);
  world.stage.live.set(hourly.pipelineId, "manual-run");
  await world.until("2026-01-01T01:30Z");
  await schedules.stop();
  const next = new World("2026-01-01T01:31Z", records);
  await next.open([hourly]);
  expect(next.stage.orders).toEqual([]);
});

test("fires wait for a place in the order they came, and a newer fire takes the place of an older", async () => {
  const world = new World("2026-01-01T00:30Z");
  const [first, second] = [pipeline("5 * * * *"), pipeline("10 1 * * *")];
  world.stage.places = 0;
  const schedules = await world.open([second, first]);
  await world.until("2026-01-01T01:30Z");
  expect(schedules.sizes().waiting).toBe(2);
  world.stage.places = 1;
  world.stage.lasting = true;
  schedules.wake();
  await world.clock.advance(0);
  expect(world.stage.orders.map((order) => order.pipelineId)).toEqual([first.pipelineId]);
  await world.until("2026-01-01T01:40Z");
  expect(world.stage.orders).toHaveLength(1);
  world.stage.live.clear();
  schedules.wake();
  await world.clock.advance(0);
  expect(world.stage.orders.map((order) => order.pipelineId)).toEqual([first.pipelineId, second.pipelineId]);
  world.stage.places = 0;
  await world.until("2026-01-01T04:30Z");
  expect(schedules.counts()).toEqual({ started: 2, skipped: 0, missed: 2 });
  world.stage.places = 2;
  schedules.wake();
  await world.clock.advance(0);
  expect(world.stage.orders).toHaveLength(3);
});

test("a waiting fire outlives a deploy with the same schedule, not one with another or a switch", async () => {
  for (const [changes, expected] of [
    [{}, 1],
    [{ schedule: { cron: "0 9 * * *", timeZone: "UTC" } }, 0],
    [{ enabled: false }, 0],
  ] as const) {
    const world = new World("2026-01-01T00:30Z");
    const daily = pipeline("0 1 * * *");
    world.stage.places = 0;
    const schedules = await world.open([daily]);
    await world.until("2026-01-01T01:30Z");
    await schedules.set({ ...daily, generation: 2, hash: "h2", ...changes });
    world.stage.places = 1;
    schedules.wake();
    await world.clock.advance(0);
    expect(world.stage.orders.map((order) => order.generation)).toEqual(Array(expected).fill(2));
  }
});

test("a waiting fire is dropped when its pipeline is told to stop, and the next process doesn't make up for it", async () => {
  for (const decided of [false, true]) {
    const world = new World("2026-01-01T00:30Z");
    const daily = pipeline("0 1 * * *");
    if (decided) world.stage.answer = () => ({ outcome: "later", reason: "full" });
    else world.stage.places = 0;
    const schedules = await world.open([daily]);
    await world.until("2026-01-01T01:30Z");
    expect(schedules.sizes().waiting).toBe(1);
    await schedules.dropWaiting(daily.pipelineId);
    await schedules.dropWaiting(daily.pipelineId);
    expect(schedules.sizes().waiting).toBe(0);
    expect(schedules.counts()).toEqual({ started: 0, skipped: 1, missed: 0 });
    world.stage.orders.length = 0;
    world.stage.answer = () => ({ outcome: "started" });
    world.stage.places = 1;
    schedules.wake();
    await world.clock.advance(0);
    await schedules.stop();
    const next = await world.open([daily]);
    await world.until("2026-01-01T02:00Z");
    expect(world.stage.orders).toEqual([]);
    await world.until("2026-01-02T01:01Z");
    expect(world.stage.started()).toEqual(["2026-01-02T01:00"]);
    await next.stop();
  }
});

test("the loop of schedules beats at least every 30 seconds, and not while a fire is stuck", async () => {
  const world = new World("2026-01-01T00:30Z");
  const beats: number[] = [];
  const turns = new KeyedQueue();
  const daily = pipeline("0 1 * * *");
  const schedules = await world.open([daily], turns, () => beats.push(world.clock.now()));
  await world.until("2026-01-01T00:50Z");
  const gaps = beats.slice(1).map((beat, index) => beat - (beats[index] ?? 0));
  expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
  expect(beats.length).toBeGreaterThanOrEqual(40);
  const held = Promise.withResolvers<void>();
  const work = turns.run(daily.pipelineId, () => held.promise);
  await world.until("2026-01-01T01:30Z");
  expect(new Date(beats.at(-1) ?? 0).toISOString()).toBe("2026-01-01T01:00:00.000Z");
  held.resolve();
  await work;
  await world.until("2026-01-01T01:31Z");
  expect(beats.at(-1)).toBeGreaterThan(Date.parse("2026-01-01T01:30Z"));
  await schedules.stop();
});

test("a start that has to wait is asked for again under the same id, one refused for good never", async () => {
  const world = new World("2026-01-01T00:59Z");
  const [patient, refused] = [pipeline("0 1 * * *"), pipeline("0 1 * * *")];
  world.stage.answer = ({ pipelineId }) =>
    pipelineId === refused.pipelineId
      ? { outcome: "never", reason: "the owner forbids it" }
      : { outcome: world.clock.now() < Date.parse("2026-01-01T01:02Z") ? "later" : "started", reason: "disk full" };
  const schedules = await world.open([patient, refused]);
  await world.until("2026-01-01T02:00Z");
  const ids = (pipelineId: string): string[] =>
    world.stage.orders.filter((order) => order.pipelineId === pipelineId).map((order) => order.runId);
  expect(ids(patient.pipelineId).length).toBeGreaterThan(2);
  expect(new Set(ids(patient.pipelineId)).size).toBe(1);
  expect(ids(refused.pipelineId)).toHaveLength(1);
  expect(schedules.counts()).toEqual({ started: 1, skipped: 0, missed: 1 });
  expect(world.lines.join("")).toContain("the owner forbids it");
});

test("nothing is started whose decision can't be kept, and it is tried again", async () => {
  const records = new MemoryRecords();
  const world = new World("2026-01-01T00:30Z", records);
  await world.open([pipeline("0 1 * * *")]);
  records.failing = true;
  await world.until("2026-01-01T01:10Z");
  expect(world.stage.orders).toEqual([]);
  expect(world.lines.join("")).toContain("disk full");
  records.failing = false;
  await world.until("2026-01-01T01:11Z");
  expect(world.stage.orders).toHaveLength(1);
});

test("a clock that jumps ahead gives one run for all that was jumped over", async () => {
  const world = new World("2026-01-01T00:30Z");
  await world.open([pipeline("@hourly")]);
  world.clock.setWallTime(Date.parse("2026-01-01T09:20Z"));
  await world.clock.advance(30_000);
  expect(world.stage.started()).toEqual(["2026-01-01T09:20"]);
  await world.until("2026-01-01T10:10Z");
  expect(world.stage.started()).toEqual(["2026-01-01T09:20", "2026-01-01T10:00"]);
});

test("a clock set back fires nothing twice; set back by more than a day it goes on from there", async () => {
  const world = new World("2026-01-05T00:30Z");
  const schedules = await world.open([pipeline("@hourly")]);
  await world.until("2026-01-05T03:30Z");
  world.clock.setWallTime(Date.parse("2026-01-05T00:30Z"));
  await world.until("2026-01-05T03:30Z");
  expect(world.stage.orders).toHaveLength(3);
  await world.until("2026-01-05T04:30Z");
  expect(world.stage.orders).toHaveLength(4);
  world.clock.setWallTime(Date.parse("2026-01-01T00:30Z"));
  await world.until("2026-01-01T02:30Z");
  expect(world.stage.orders).toHaveLength(6);
  expect(schedules.counts().started).toBe(6);
});

test("a clock set back between two processes fires nothing twice", async () => {
  const records = new MemoryRecords();
  const hourly = pipeline("@hourly");
  const world = new World("2026-01-05T00:30Z", records);
  await (
    await world.open([hourly]).then(async (first) => {
      await world.until("2026-01-05T03:30Z");
      return first;
    })
  ).stop();
  const next = new World("2026-01-05T01:30Z", records);
  await next.open([hourly]);
  await next.until("2026-01-05T03:30Z");
  expect(next.stage.orders).toEqual([]);
  await next.until("2026-01-05T04:30Z");
  expect(next.stage.orders).toHaveLength(1);
});

test("a fire waits for what is being done to its pipeline, and a removal before it ends it", async () => {
  const world = new World("2026-01-01T00:30Z");
  const turns = new KeyedQueue();
  const [gone, other] = [pipeline("0 1 * * *"), pipeline("0 1 * * *")];
  const schedules = await world.open([gone, other], turns);
  let removed = (): void => undefined;
  void turns.run(gone.pipelineId, async () => {
    await new Promise<void>((resolve) => {
      removed = resolve;
    });
    await schedules.remove(gone.pipelineId);
  });
  await world.until("2026-01-01T01:10Z");
  removed();
  await world.until("2026-01-01T01:11Z");
  expect(world.stage.orders.map((order) => order.pipelineId)).toEqual([other.pipelineId]);
});

test("after stop nothing fires, and the next process makes up for it", async () => {
  const records = new MemoryRecords();
  const world = new World("2026-01-01T00:30Z", records);
  const daily = pipeline("0 1 * * *");
  const schedules = await world.open([daily]);
  await schedules.stop();
  await world.until("2026-01-01T05:00Z");
  schedules.wake();
  await world.clock.advance(HOUR_MS);
  expect(world.stage.orders).toEqual([]);
  expect(world.clock.waiting).toBe(0);
  const next = new World("2026-01-01T07:00Z", records);
  await next.open([daily]);
  expect(next.stage.started()).toEqual(["2026-01-01T07:00"]);
});

test("a stored schedule that can't be read fires nothing, is told, and doesn't keep the others from firing", async () => {
  const world = new World("2026-01-01T00:30Z");
  const [bad, good] = [pipeline("0 99 * * *"), pipeline("@hourly")];
  await world.open([bad, good]);
  await world.until("2026-01-01T01:30Z");
  expect(world.stage.orders.map((order) => order.pipelineId)).toEqual([good.pipelineId]);
  expect(world.lines.join("")).toContain("ScheduleInvalid");
});
