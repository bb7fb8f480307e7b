import { expect, test } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import { startRetention } from "../../src/gateway/retention.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { openTestData } from "./auth/open-test-store.ts";
import { pipeline, report, run } from "./store/records.ts";

const DAY_MS = 86_400_000;

test("the gateway removes runs that are older than it keeps, goes on when the store fails, and stops", async () => {
  const clock = new FakeClock();
  const { store } = await openTestData(clock);
  const of = pipeline();
  await store.addPipeline(of, undefined);
  const runs = [run(), run(), run()].map((one) => ({ ...one, pipelineId: of.pipelineId }));
  for (const [number, one] of runs.entries()) {
    await store.addRun(one);
    if (number < 2) {
      await store.takeReport(
        "alpha",
        report(one, "success", { proof: "p" }),
        clock.now() - (number === 0 ? 91 : 89) * DAY_MS,
      );
    }
  }
  let failures = 1;
  const stop = startRetention({
    store: {
      removeOldRuns: async (retention) => {
        if (failures-- > 0) throw new Error("busy");
        return store.removeOldRuns(retention);
      },
      removeTombstones: (before) => store.removeTombstones(before),
    },
    keepRuns: 1000,
    keepRunsDays: 90,
    clock,
    log: silentLog,
  });
  const left = async (): Promise<number> => (await store.listRuns({ limit: 10 })).length;
  await clock.advance(61_000);
  expect(await left()).toBe(3);
  await clock.advance(601_000);
  await eventually(async () => expect(await left()).toBe(2));
  // The sweeps that follow find the next one when its time has come; the one that hasn't ended stays.
  for (let hours = 0; hours < 50 && (await left()) > 1; hours++) await clock.advance(3_600_000);
  expect((await store.listRuns({ limit: 10 })).map((one) => one.runId)).toEqual([runs[2]?.runId]);
  await stop();
  expect(clock.waiting).toBe(0);
});
