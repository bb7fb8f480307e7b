import { expect, test } from "vitest";
import { createLog } from "../../../src/base/log.ts";
import { createAddedRunsPace } from "../../../src/gateway/sessions/added-runs-pace.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { eventually } from "../../fakes/eventually.ts";
import { report } from "../store/records.ts";
import { Harness } from "./sessions-harness.ts";

test("a runner that invents ended runs is heard more slowly, loses none of them, and holds nobody else up", async () => {
  const harness = await Harness.start();
  const { pipelineId } = await harness.pipeline();
  const others = await harness.pipeline({ runnerId: "beta" });
  const alpha = await harness.runner();
  const beta = await harness.runner({}, "beta");
  const runIds = Array.from({ length: 1040 }, () => crypto.randomUUID());
  for (const runId of runIds) alpha.update("run.update", report({ runId, pipelineId }, "success"));
  const stored = async (): Promise<number> => (await harness.store.findRuns(runIds)).length;
  await eventually(async () => expect(await stored()).toBeGreaterThanOrEqual(1000));
  // Another runner's updates are stored and acknowledged while this one waits.
  const own = { runId: crypto.randomUUID(), pipelineId: others.pipelineId };
  beta.update("run.update", report(own, "success"));
  await eventually(() => expect(beta.acknowledged).toBe(1));
  expect(await stored()).toBeLessThan(1030);
  expect(alpha.acknowledged).toBeLessThan(1030);
  await eventually(async () => {
    await harness.clock.advance(100);
    expect(alpha.acknowledged).toBe(1040);
  });
  expect(await stored()).toBe(1040);
  expect(alpha.closed).toBeUndefined();
});

test("the pace of added runs lets a burst through, then so many a second, tells it once, and forgets it with time", async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const log = createLog({ clock, level: "info", format: "text", write: (line) => void lines.push(line) });
  const pace = createAddedRunsPace(clock, log);
  let taken = 0;
  const tell = async (count: number, runnerId = "alpha"): Promise<void> => {
    for (let number = 0; number < count; number++) void pace(runnerId).then(() => taken++);
    await clock.advance(0);
  };
  await tell(1000);
  expect([taken, lines.length]).toEqual([1000, 0]);
  await tell(10);
  expect([taken, lines.length]).toEqual([1000, 1]);
  expect(lines[0]).toContain("alpha");
  await clock.advance(100);
  expect(taken).toBe(1005);
  await tell(1, "beta");
  expect(taken).toBe(1006);
  await clock.advance(60_000);
  expect(taken).toBe(1011);
  await tell(1000);
  expect([taken, lines.length]).toEqual([2011, 1]);
});
