import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { fileRecords, MemoryRecords, pipeline, World } from "./world.ts";

test.each([
  ["across one fire", "@daily", "2026-01-02T05:00Z", 1],
  ["across several fires", "@hourly", "2026-01-01T05:10Z", 1],
  ["across none", "@daily", "2026-01-01T20:00Z", 0],
  ["six days, for a weekly pipeline", "@weekly", "2026-01-10T00:00Z", 1],
  ["longer than a week, for a monthly pipeline", "0 0 2 * *", "2026-01-09T00:01Z", 0],
])(
  "a runner that was down %s makes exactly as many runs at its start as it should",
  async (_what, cron, back, runs) => {
    const records = new MemoryRecords();
    const daily = pipeline(cron);
    const first = new World("2026-01-01T00:30Z", records);
    await (await first.open([daily])).stop();
    const second = new World(back, records);
    const schedules = await second.open([daily]);
    expect(second.stage.started()).toEqual(Array(runs).fill(back.slice(0, 16)));
    await schedules.stop();
    const third = new World(back, records);
    await third.open([daily]);
    expect(third.stage.orders).toEqual([]);
  },
);

test("a process that died between decision and start leaves the run to the next one, under the same id", async () => {
  const records = new MemoryRecords();
  const daily = pipeline("0 1 * * *");
  const first = new World("2026-01-01T00:30Z", records);
  const schedules = await first.open([daily]);
  first.stage.start = () => new Promise(() => undefined);
  await first.until("2026-01-01T01:00Z");
  const decided = records.kept.get(daily.pipelineId)?.run?.runId;
  expect(decided).toBeDefined();
  void schedules.stop();

  const second = new World("2026-01-01T01:05Z", records);
  await (await second.open([daily])).stop();
  expect(second.stage.orders.map((order) => order.runId)).toEqual([decided]);
  const third = new World("2026-01-01T01:06Z", records);
  await third.open([daily]);
  expect(third.stage.orders).toEqual([]);
});

test("a decided run that is live after all is met, not skipped, and keeps no place from others", async () => {
  const records = new MemoryRecords();
  const daily = pipeline("0 1 * * *");
  const runId = crypto.randomUUID();
  const due = Date.parse("2026-01-01T01:00Z");
  const { pipelineId, generation, hash } = daily;
  await records.write({ pipelineId, generation, hash, considered: due, run: { runId, due } });
  const world = new World("2026-01-01T01:05Z", records);
  world.stage.live.set(pipelineId, runId);
  world.stage.places = 1;
  const schedules = await world.open([daily]);
  expect(world.stage.orders.map((order) => order.runId)).toEqual([runId]);
  expect(schedules.counts()).toEqual({ started: 1, skipped: 0, missed: 0 });
});

test("a pipeline that changed while no process saw it begins anew", async () => {
  const records = new MemoryRecords();
  const daily = pipeline("@daily");
  const first = new World("2026-01-01T00:30Z", records);
  await (await first.open([daily])).stop();
  const second = new World("2026-01-03T05:00Z", records);
  await second.open([{ ...daily, generation: 2 }]);
  expect(second.stage.orders).toEqual([]);
  await second.until("2026-01-04T00:00Z");
  expect(second.stage.orders).toHaveLength(1);
});

test("records are files that survive, a damaged one is told and begins anew, one without its pipeline goes", async () => {
  const directory = join(await temporaryDirectory(), "schedules");
  const [whole, damaged, gone] = [pipeline("@daily"), pipeline("@daily"), pipeline("@daily")];
  const first = new World("2026-01-01T00:30Z", await fileRecords(directory));
  await (await first.open([whole, damaged, gone])).stop();
  expect(await readdir(directory)).toHaveLength(3);
  await writeFile(join(directory, `${damaged.pipelineId}.json`), "{");

  const second = new World("2026-01-02T05:00Z", await fileRecords(directory));
  const schedules = await second.open([whole, damaged]);
  await eventually(() => expect(schedules.counts().started).toBe(1));
  await schedules.stop();
  expect(second.stage.orders.map((order) => order.pipelineId)).toEqual([whole.pipelineId]);
  expect(await readdir(directory)).toHaveLength(2);
  const record: unknown = JSON.parse(await readFile(join(directory, `${whole.pipelineId}.json`), "utf8"));
  expect(record).toEqual({
    pipelineId: whole.pipelineId,
    generation: 1,
    hash: "h1",
    considered: Date.parse("2026-01-02T00:00Z"),
  });
});
