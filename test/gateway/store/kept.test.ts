import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { createLog } from "../../../src/base/log.ts";
import { Sensitive } from "../../../src/base/sensitive.ts";
import type { LogCeilings } from "../../../src/gateway/store/kept.ts";
import { openSqliteStore } from "../../../src/gateway/store/sqlite-store.ts";
import type { PipelineRecord, RunRecord, Store } from "../../../src/gateway/store/store.ts";
import type { Failure } from "../../../src/protocol/messages.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { pipeline, report, run } from "./records.ts";

const WIDE: LogCeilings = { runBytes: 1_000_000, runnerBytes: 1_000_000, storeBytes: 1_000_000 };

async function open(
  ceilings: Partial<LogCeilings> = {},
  directory?: string,
): Promise<{ store: Store; lines: string[]; directory: string }> {
  const place = directory ?? (await temporaryDirectory());
  const lines: string[] = [];
  const log = createLog({ clock: systemClock, level: "info", format: "text", write: (line) => void lines.push(line) });
  const key = new Sensitive(new Uint8Array(32).fill(7));
  const path = join(place, "gateway.db");
  const store = await openSqliteStore({ path, key, clock: systemClock, log, ceilings: { ...WIDE, ...ceilings } });
  onTestFinished(() => store.close());
  return { store, lines, directory: place };
}

async function addRun(store: Store, of: PipelineRecord, more: Partial<RunRecord> = {}): Promise<RunRecord> {
  const one = run({ pipelineId: of.pipelineId, runnerId: of.runnerId, dispatch: "accepted", ...more });
  await store.addRun(one);
  return one;
}

/** A pipeline with so many runs that ended at the given moment, oldest first. */
async function ended(store: Store, count: number, at: number, of = pipeline()): Promise<readonly string[]> {
  if ((await store.findPipeline(of.pipelineId)) === undefined) await store.addPipeline(of, undefined);
  const runIds: string[] = [];
  for (let number = 0; number < count; number++) {
    const one = await addRun(store, of);
    await store.appendLog(one.runId, 0, `log of ${number}`);
    await store.takeReport(of.runnerId, report(one, "success", { endedAt: 1, proof: "p" }), at);
    runIds.push(one.runId);
  }
  return runIds;
}

const idsOf = async (store: Store): Promise<readonly string[]> =>
  (await store.listRuns({ limit: 500 })).map((one) => one.runId).reverse();

test("a log that meets the ceiling of a run keeps its beginning, says what it lacks, and the run goes on", async () => {
  const { store, lines, directory } = await open({ runBytes: 10 });
  const one = pipeline();
  await store.addPipeline(one, undefined);
  const long = await addRun(store, one);
  const short = await addRun(store, one);
  await store.appendLogs([
    { runId: long.runId, offset: 0, text: "12345678" },
    { runId: long.runId, offset: 8, text: "abcdef" },
    { runId: short.runId, offset: 0, text: "short" },
  ]);
  await store.appendLog(long.runId, 14, "ghi");
  // Another opening counts what is there.
  const again = (await open({ runBytes: 10 }, directory)).store;
  await again.appendLog(long.runId, 17, "jk");
  const found = await again.findRun(long.runId);
  expect(found).toMatchObject({ logBytes: 19, logGaps: [[8, 11]], logCappedAt: 8, logCappedBy: "run" });
  const { text, nextOffset } = await again.readLog(long.runId, 0, 1000);
  expect([text, nextOffset]).toEqual([
    expect.stringMatching(/^12345678\n\[hybrid-runner: 11 bytes .*one run.*\]\n$/),
    19,
  ]);
  const log = { bytes: 19, sha256: "a".repeat(64) };
  await again.takeReport("alpha", report(long, "success", { proof: "p", log }), 5);
  expect(await again.findRun(long.runId)).toMatchObject({ state: "success", logEnd: log });
  expect((await again.readLog(short.runId, 0, 1000)).text).toBe("short");
  expect(lines.filter((line) => line.includes("ceiling")).length).toBe(1);
});

test.each([
  ["runner", { runnerBytes: 12 }, ["alpha"]],
  ["store", { storeBytes: 12 }, ["alpha", "beta"]],
] as const)(
  "the ceiling of the %s is told once, and keeps out no log but those it is about",
  async (by, ceilings, full) => {
    const { store, lines } = await open(ceilings);
    for (const runnerId of ["alpha", "beta"]) {
      const one = pipeline({ runnerId });
      await store.addPipeline(one, undefined);
      for (let number = 0; number < 3; number++) {
        const { runId } = await addRun(store, one);
        await store.appendLog(runId, 0, "0123456");
      }
    }
    for (const runnerId of ["alpha", "beta"]) {
      const runs = await store.listRuns({ runnerId, limit: 10 });
      const stored = runs.filter((one) => one.logCappedBy === undefined);
      expect([runnerId, stored.length]).toEqual([runnerId, by === "store" && runnerId === "beta" ? 0 : 1]);
      expect(runs.filter((one) => one.logCappedBy === by && one.logBytes === 7)).toHaveLength(3 - stored.length);
    }
    const told = lines.filter((line) => line.includes("ceiling"));
    expect(told).toHaveLength(2);
    for (const runnerId of full)
      expect(told.filter((line) => line.includes(`by=${by}`) && line.includes(runnerId))).toHaveLength(1);
  },
);

test("what was removed makes room again", async () => {
  const { store } = await open({ storeBytes: 12 });
  const of = pipeline();
  await ended(store, 1, 1000, of);
  const second = await addRun(store, of);
  await store.appendLog(second.runId, 0, "0123456");
  expect((await store.findRun(second.runId))?.logCappedBy).toBe("store");
  const retention = { closedBefore: 1001, perPipeline: 10, surplusClosedBefore: 0, mostOfPipeline: 1000 };
  while ((await store.removeOldRuns(retention)).more);
  const third = await addRun(store, of);
  await store.appendLog(third.runId, 0, "0123456");
  expect((await store.readLog(third.runId, 0, 100)).text).toBe("0123456");
});

test("an offset that can't be believed is left out, and the log goes on where it was", async () => {
  const { store, lines } = await open();
  const of = pipeline();
  await store.addPipeline(of, undefined);
  const { runId } = await addRun(store, of);
  await store.appendLog(runId, 0, "one ");
  await store.appendLog(runId, 9_000_000_000_000, "far away");
  await store.appendLog(runId, 4, "two");
  expect(await store.readLog(runId, 0, 100)).toEqual({ text: "one two", nextOffset: 7 });
  expect(lines.filter((line) => line.includes("beyond belief")).length).toBe(1);
});

test("runs are removed by age and number with their logs; those that haven't ended, or whose log may come, stay", async () => {
  const { store } = await open();
  const of = pipeline();
  const old = await ended(store, 3, 1000, of);
  const recent = await ended(store, 4, 5000, of);
  const other = await ended(store, 2, 5000);
  const open_ = await addRun(store, of);
  const halfLog = await addRun(store, of);
  const log = { bytes: 99, sha256: "a".repeat(64) };
  await store.takeReport("alpha", report(halfLog, "success", { proof: "p", log }), 5000);
  const tooMany = await ended(store, 2, 5000, of);
  const retention = { closedBefore: 2000, perPipeline: 3, surplusClosedBefore: 6000, mostOfPipeline: 1000 };
  let steps = 0;
  while ((await store.removeOldRuns(retention)).more) steps++;
  expect(steps).toBeGreaterThan(0);
  expect(await idsOf(store)).toEqual([...other, open_.runId, halfLog.runId, ...tooMany]);
  for (const runId of [...old, ...recent])
    expect(await store.readLog(runId, 0, 10)).toEqual({ text: "", nextOffset: 0 });
  // By age that log is waited for no longer; what hasn't ended never goes.
  while ((await store.removeOldRuns({ ...retention, closedBefore: 9000 })).more);
  expect(await idsOf(store)).toEqual([open_.runId]);
});

test("a run that is tried again isn't removed by the end of its attempt before", async () => {
  const { store } = await open();
  const of = pipeline();
  await store.addPipeline(of, undefined);
  const one = await addRun(store, of);
  const failure = { category: "ConfigError", summary: "", advice: "", logTail: [] } as const;
  await store.takeReport("alpha", report(one, "failed", { failure: { ...failure, logTail: [] } }), 1000);
  await store.takeReport("alpha", report(one, "running", { attempt: 2 }), 1500);
  expect(
    await store.removeOldRuns({ closedBefore: 9000, perPipeline: 1, surplusClosedBefore: 9000, mostOfPipeline: 1000 }),
  ).toEqual({
    removed: 0,
    more: false,
  });
});

test("a log of many pieces is removed in several steps", async () => {
  const { store } = await open();
  const of = pipeline();
  await store.addPipeline(of, undefined);
  const one = await addRun(store, of);
  await store.appendLogs(Array.from({ length: 1200 }, (_, offset) => ({ runId: one.runId, offset, text: "x" })));
  await store.takeReport("alpha", report(one, "success", { proof: "p" }), 1000);
  const retention = { closedBefore: 2000, perPipeline: 1, surplusClosedBefore: 0, mostOfPipeline: 1000 };
  const removed: number[] = [];
  for (let more = true; more; ) {
    const step = await store.removeOldRuns(retention);
    removed.push(step.removed);
    more = step.more;
  }
  expect(removed).toEqual([0, 0, 1, 0]);
  expect(await idsOf(store)).toEqual([]);
});

test("a tombstone is removed when it is old, its runner doesn't have the pipeline any more, and no run of it is left", async () => {
  const { store } = await open();
  await store.claimSession({ runnerId: "alpha", installationId: "here" }, 1);
  const [buried, unconfirmed, withRun, fresh, live, neverDeployed, ofNobody] = [
    pipeline(),
    pipeline(),
    pipeline(),
    pipeline(),
    pipeline(),
    pipeline({ deployed: false }),
    pipeline({ runnerId: "retired" }),
  ];
  for (const one of [buried, unconfirmed, withRun, fresh, live, neverDeployed, ofNobody]) {
    await store.addPipeline(one, undefined);
    if (one === live) continue;
    await store.changePipeline(one.pipelineId, 1, { deletedAt: one === fresh ? 5000 : 10, updatedAt: 10 });
  }
  await addRun(store, withRun);
  await store.noteBuried(
    [buried, withRun, fresh, live].map((one) => one.pipelineId),
    20,
  );
  expect(await store.removeTombstones(1000)).toEqual({ removed: 3, more: false });
  const left = await store.listPipelines({ includeDeleted: true });
  expect(new Set(left.map((one) => one.pipelineId))).toEqual(
    new Set([unconfirmed, withRun, fresh, live].map((one) => one.pipelineId)),
  );
});

const LONG = {
  category: "ExitCode",
  summary: "it failed",
  detail: "\u{1f600}".repeat(4000),
  advice: "look",
  logTail: Array.from({ length: 50 }, (_, line) => `${line} ${"\u{1f600}".repeat(1990)}`),
  events: Array.from({ length: 30 }, (_, line) => `${line} ${"\u0001".repeat(490)}`),
} satisfies Failure;

test("of a failure that is too long the oldest lines are left out, and what it is stays", async () => {
  const { store, lines } = await open();
  const of = pipeline();
  await store.addPipeline(of, undefined);
  const [one, short] = [await addRun(store, of), await addRun(store, of)];
  await store.takeReport("alpha", report(one, "failed", { failure: LONG }), 5);
  const kept = (await store.findRun(one.runId))?.failure;
  expect(new TextEncoder().encode(JSON.stringify(kept)).length).toBeLessThanOrEqual(65_536);
  expect(kept).toEqual({
    ...LONG,
    logTail: LONG.logTail.slice(LONG.logTail.length - (kept?.logTail.length ?? 0)),
    events: LONG.events.slice(LONG.events.length - (kept?.events?.length ?? 0)),
  });
  expect(kept?.events).not.toEqual([]);
  const failure = { ...LONG, detail: "d", logTail: LONG.logTail.slice(0, 2), events: ["e"] };
  await store.takeReport("alpha", report(short, "failed", { failure }), 5);
  expect((await store.findRun(short.runId))?.failure).toEqual(failure);
  expect(lines).toEqual([]);
});

test("failures count as logs do: behind a ceiling they are kept without lines and events, told once", async () => {
  const { store, lines, directory } = await open({ runnerBytes: 100_000 });
  const of = pipeline();
  await store.addPipeline(of, undefined);
  const failure = { ...LONG, detail: "d", logTail: LONG.logTail.slice(0, 5), events: ["e"] };
  const tails = async (to: Store): Promise<number> => {
    const { runId } = await addRun(to, of);
    await to.takeReport("alpha", report({ runId, pipelineId: of.pipelineId }, "failed", { failure }), 5);
    const found = (await to.findRun(runId))?.failure;
    expect(found).toMatchObject({ category: "ExitCode", summary: "it failed", detail: "d", advice: "look" });
    return found?.logTail.length ?? -1;
  };
  expect([await tails(store), await tails(store)]).toEqual([5, 5]);
  expect([await tails(store), await tails(store)]).toEqual([0, 0]);
  expect(lines.filter((line) => line.includes("ceiling"))).toHaveLength(1);
  // Another opening counts what is there.
  const again = (await open({ runnerBytes: 100_000 }, directory)).store;
  expect(await tails(again)).toBe(0);
  const { runId } = await addRun(again, of);
  await again.appendLog(runId, 0, "x".repeat(30_000));
  expect(await again.findRun(runId)).toMatchObject({ logCappedBy: "runner" });
});

test("open runs that nobody ordered are taken up to a ceiling for each pipeline; ends and other pipelines are heard", async () => {
  const { store, lines } = await open();
  const [of, other] = [pipeline(), pipeline()];
  for (const one of [of, other]) await store.addPipeline(one, undefined);
  const invented = (one: PipelineRecord, state: "running" | "success") =>
    store.takeReport("alpha", report({ runId: crypto.randomUUID(), pipelineId: one.pipelineId }, state), 5);
  const taken = await Promise.all(Array.from({ length: 150 }, () => invented(of, "running")));
  expect(taken.filter((one) => one !== undefined)).toHaveLength(100);
  expect(await store.openRuns("alpha")).toHaveLength(100);
  expect(await invented(of, "success")).toBeDefined();
  expect(await invented(other, "running")).toBeDefined();
  expect(lines.filter((line) => line.includes("nobody ordered"))).toHaveLength(1);
  const [first] = await store.openRuns("alpha");
  if (first !== undefined) await store.takeReport("alpha", report(first, "success"), 6);
  expect(await invented(of, "running")).toBeDefined();
});

test("ended runs far behind the newest of their pipeline go at once, even if their log isn't whole", async () => {
  const [{ store }, of] = [await open(), pipeline()];
  await store.addPipeline(of, undefined);
  const invented = Array.from({ length: 70 }, () => ({ runId: crypto.randomUUID(), pipelineId: of.pipelineId }));
  const more = { log: { bytes: 1_000_000, sha256: "a".repeat(64) } };
  for (const one of invented) await store.takeReport("alpha", report(one, "success", more), 5000);
  const again = { runId: invented[0]?.runId ?? "", pipelineId: of.pipelineId };
  await store.takeReport("alpha", report(again, "running", { attempt: 2 }), 5000);
  const retention = { closedBefore: 0, perPipeline: 2, surplusClosedBefore: 0, mostOfPipeline: 10 };
  while ((await store.removeOldRuns(retention)).more);
  expect(await idsOf(store)).toEqual([again.runId, ...invented.slice(-10).map((one) => one.runId)]);
});
