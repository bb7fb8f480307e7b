import { expect, test } from "vitest";
import { CodedError } from "../../src/base/errors.ts";
import { EXECUTOR_ERRORS } from "../../src/executor/errors.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "../../src/executor/pods/errors.ts";
import type { MessageBodies, RunReport } from "../../src/protocol/messages.ts";
import type { Runs } from "../../src/runs/runs.ts";
import { eventually } from "../fakes/eventually.ts";
import { openRuns, order, PIPELINE } from "./open-runs.ts";

/** Takes the log as the connection would, and acknowledges it. */
async function drainLogs(runs: Runs): Promise<string> {
  let text = "";
  for (let chunk = await runs.logs.next(65_536); chunk !== undefined; chunk = await runs.logs.next(65_536)) {
    text += chunk.text;
    runs.logs.acknowledged(chunk);
  }
  return text;
}

test("an order is accepted once its object exists: the verdict tells its first state, and each step forward is told once", async () => {
  const { runs, states, go, executor } = await openRuns();
  const wish = order();
  expect(await runs.start(wish, 0)).toMatchObject({ outcome: "accepted", run: { state: "queued", runId: wish.runId } });
  expect((await executor.list()).map((report) => report.runId)).toEqual([wish.runId]);
  await eventually(() => expect(states(wish.runId)).toEqual(["running"]));
  await go();
  await eventually(() => expect(states(wish.runId)).toEqual(["running", "success"]));
});

test("the same order twice, also at the same moment, is one run", async () => {
  const { runs, executor } = await openRuns();
  const wish = order();
  const verdicts = await Promise.all([runs.start(wish, 0), runs.start({ ...wish }, 0)]);
  expect(verdicts.map((verdict) => verdict.outcome)).toEqual(["accepted", "accepted"]);
  expect(await runs.start(wish, 0)).toMatchObject({ outcome: "duplicate", run: { runId: wish.runId } });
  expect(await executor.list()).toHaveLength(1);
});

test.each<[string, Partial<MessageBodies["run.start"]>, number, string]>([
  ["an unknown pipeline", { pipelineId: crypto.randomUUID() }, 0, "unknownPipeline"],
  ["a newer generation than is deployed", { generation: 3 }, 0, "staleGeneration"],
  ["a moment that has passed", { startBefore: Date.now() - 1 }, 0, "tooLate"],
  ["a moment that has passed by the server's clock", { startBefore: Date.now() + 30_000 }, 60_000, "tooLate"],
])("an order with %s is refused and leaves no object", async (_what, changes, offsetMs, reason) => {
  const { runs, executor } = await openRuns();
  expect(await runs.start(order(changes), offsetMs)).toMatchObject({ outcome: "refused", reason });
  expect(await executor.list()).toEqual([]);
});

test("a server clock that is behind doesn't make an order late", async () => {
  const { runs } = await openRuns();
  expect(await runs.start(order({ startBefore: Date.now() - 540_000 }), -600_000)).toMatchObject({
    outcome: "accepted",
  });
});

test("a full runner refuses, and the place is free again when a run has ended", async () => {
  const everything = { read: async (pipelineId: string) => ({ ...PIPELINE, pipelineId }) };
  const { runs, go, states } = await openRuns({ maxConcurrentRuns: 1, pipelines: everything });
  const first = order();
  const other = () => order({ pipelineId: crypto.randomUUID() });
  const [one, two] = await Promise.all([runs.start(first, 0), runs.start(other(), 0)]);
  expect([one.outcome, two]).toEqual([
    "accepted",
    expect.objectContaining({ outcome: "refused", reason: "full", message: "Cannot start the run: 1 run is live" }),
  ]);
  expect(runs.hasRoom()).toBe(false);
  await go();
  await eventually(() => expect(states(first.runId)).toContain("success"));
  expect(runs.hasRoom()).toBe(true);
  expect(await runs.start(other(), 0)).toMatchObject({ outcome: "accepted" });
});

test("a second run of a pipeline is refused as full with the live one's id, also at the same moment, until that has ended", async () => {
  const { runs, go, states } = await openRuns();
  const first = order();
  const [one, two] = await Promise.all([runs.start(first, 0), runs.start(order(), 0)]);
  const refusal = { outcome: "refused", reason: "full", message: expect.stringContaining(`run ${first.runId} of its`) };
  expect([one.outcome, two]).toEqual(["accepted", expect.objectContaining(refusal)]);
  expect(await runs.start(order(), 0)).toMatchObject(refusal);
  expect(runs.liveRunOf(PIPELINE.pipelineId)).toBe(first.runId);
  expect(await runs.start(first, 0)).toMatchObject({ outcome: "duplicate" });
  await go();
  await eventually(() => expect(states(first.runId)).toContain("success"));
  expect(runs.liveRunOf(PIPELINE.pipelineId)).toBeUndefined();
  expect(await runs.start(order(), 0)).toMatchObject({ outcome: "accepted" });
});

test("a draining runner refuses new orders and still answers known ones", async () => {
  const { runs } = await openRuns();
  const known = order();
  await runs.start(known, 0);
  runs.drain();
  expect(await runs.start(order(), 0)).toMatchObject({ outcome: "refused", reason: "draining" });
  expect(await runs.start(known, 0)).toMatchObject({ outcome: "duplicate" });
});

test("what the executor can't store is refused with its own words and forgotten", async () => {
  const broken = (real: Executor): Executor =>
    Object.assign(Object.create(real) as Executor, {
      list: () => real.list(),
      close: () => real.close(),
      start: () =>
        Promise.reject(new CodedError(EXECUTOR_ERRORS.RunNotStored, "Cannot store the run: the disk is full")),
    });
  const { runs } = await openRuns({ executor: broken });
  expect(await runs.start(order(), 0)).toMatchObject({
    outcome: "refused",
    reason: "storage",
    message: expect.stringContaining("the disk is full"),
  });
  expect(runs.table.all()).toEqual([]);
});

test.each([
  [KUBERNETES_EXECUTOR_ERRORS.ImageVersionDiffers, "badConfig"],
  [EXECUTOR_ERRORS.ExecutorAbsent, "noExecutor"],
] as const)("what only other settings mend is not refused as if waiting helped: $0.code", async (kind, reason) => {
  const failing = (real: Executor): Executor =>
    Object.assign(Object.create(real) as Executor, {
      list: () => real.list(),
      close: () => real.close(),
      start: () => Promise.reject(new CodedError(kind, "Cannot start the run: not like this")),
    });
  const { runs } = await openRuns({ executor: failing });
  expect(await runs.start(order(), 0)).toEqual({
    outcome: "refused",
    reason,
    message: "Cannot start the run: not like this",
    advice: kind.advice,
  });
});

test.each([
  ["Quota", { category: "Quota" }],
  ["NoSuchCategory", {}],
] as const)(
  "a refusal tells the category of what was thrown, if there is one of that name: %s",
  async (category, told) => {
    const failing = (real: Executor): Executor =>
      Object.assign(Object.create(real) as Executor, {
        list: () => real.list(),
        close: () => real.close(),
        start: () =>
          Promise.reject(
            new CodedError(EXECUTOR_ERRORS.RunNotStored, "Cannot store the run: exceeded quota", {
              facts: { category },
            }),
          ),
      });
    const { runs } = await openRuns({ executor: failing });
    expect(await runs.start(order(), 0)).toEqual({
      outcome: "refused",
      reason: "storage",
      message: "Cannot store the run: exceeded quota",
      advice: EXECUTOR_ERRORS.RunNotStored.advice,
      ...told,
    });
  },
);

test("stop ends a live run as stopped, an ended one is a duplicate, an unknown one is not known", async () => {
  const { runs, states } = await openRuns();
  const wish = order();
  await runs.start(wish, 0);
  expect(await runs.stop(wish.runId)).toEqual({ outcome: "accepted" });
  await eventually(() => expect(states(wish.runId).at(-1)).toBe("stopped"));
  expect(await runs.stop(wish.runId)).toMatchObject({ outcome: "duplicate", run: { state: "stopped" } });
  expect(await runs.stop(crypto.randomUUID())).toBeUndefined();
});

test("a new process finds live and ended runs again and tells their states", async () => {
  const first = await openRuns();
  const [ended, live] = [order(), order()];
  await first.runs.start(ended, 0);
  await first.runs.stop(ended.runId);
  await eventually(() => expect(first.states(ended.runId).at(-1)).toBe("stopped"));
  await first.runs.start(live, 0);
  await eventually(() => expect(first.states(live.runId).at(-1)).toBe("running"));
  await first.close();
  const second = await openRuns({ directory: first.directory });
  expect(second.states(ended.runId)).toEqual(["stopped"]);
  expect(second.states(live.runId)).toEqual(["running"]);
  await second.go();
  await eventually(() => expect(second.states(live.runId)).toEqual(["running", "success"]));
});

test("a run is forgotten only when both its end and its whole log are acknowledged", async () => {
  const { runs, emitted, go, executor, states } = await openRuns();
  const wish = order();
  await runs.start(wish, 0);
  await go();
  await eventually(() => expect(states(wish.runId).at(-1)).toBe("success"));
  const end = emitted.at(-1);
  if (end === undefined) throw new Error("no report");
  runs.acknowledged(end);
  expect(runs.table.get(wish.runId)).toBeDefined();
  expect(await executor.list()).toHaveLength(1);
  let text = "";
  await eventually(async () => {
    runs.logs.rewind(new Map([[wish.runId, text.length]]));
    text += await drainLogs(runs);
    expect(runs.table.get(wish.runId)).toBeUndefined();
  });
  expect(text).toBe("begun\nended\n");
  expect(await executor.list()).toEqual([]);
});

test("an order for a run that was released is a duplicate with its true end, not a second start", async () => {
  const { runs, emitted, go, states, executor } = await openRuns();
  const wish = order();
  await runs.start(wish, 0);
  await go();
  await eventually(() => expect(states(wish.runId).at(-1)).toBe("success"));
  const end = emitted.at(-1);
  if (end === undefined) throw new Error("no report");
  runs.acknowledged(end);
  await eventually(async () => {
    await drainLogs(runs);
    expect(runs.table.get(wish.runId)).toBeUndefined();
  });
  expect(await runs.start(wish, 0)).toMatchObject({ outcome: "duplicate", run: { state: "success" } });
  expect((await executor.readLog(wish.runId, 0, 100)).text).toBe("begun\nended\n");
});

test("a log is sent from the gateway's offset after a rewind", async () => {
  const { runs, go, states } = await openRuns();
  const wish = order();
  await runs.start(wish, 0);
  await go();
  await eventually(() => expect(states(wish.runId).at(-1)).toBe("success"));
  runs.logs.rewind(new Map([[wish.runId, 6]]));
  expect(await runs.logs.next(65_536)).toEqual({ runId: wish.runId, offset: 6, text: "ended\n" });
  runs.logs.rewind(new Map());
  expect(await runs.logs.next(5)).toEqual({ runId: wish.runId, offset: 0, text: "begun" });
});

test("a run that the gateway didn't order is told from its first state on", async () => {
  const { runs, states, go } = await openRuns();
  const wish = order();
  expect(await runs.start(wish, 0, "update")).toMatchObject({ outcome: "accepted" });
  await eventually(() => expect(states(wish.runId)).toEqual(["queued", "running"]));
  await go();
});

test("a log's length and hash that are known only after the run's end are told, and the run is kept until they are acknowledged", async () => {
  const known = Promise.withResolvers<void>();
  const log = { bytes: 6, sha256: "a".repeat(64) };
  const released: string[] = [];
  let isOver = false;
  const { runs, emitted } = await openRuns({
    executor: (real) => ({
      kind: real.kind,
      check: () => real.check(),
      list: () => real.list(),
      stop: (runId) => real.stop(runId),
      close: () => real.close(),
      start: async () => "started",
      async *observe(runId) {
        const end: RunReport = { runId, pipelineId: PIPELINE.pipelineId, attempt: 1, state: "success", proof: "p" };
        yield end;
        await known.promise;
        yield { ...end, log };
      },
      readLog: async (_runId, offset) => ({
        offset,
        text: "begun\n".slice(offset),
        nextOffset: 6,
        ended: isOver,
      }),
      release: async (runId) => void released.push(runId),
    }),
  });
  const { runId } = order();
  await runs.start(order({ runId }), 0);
  const deliver = async (): Promise<void> => {
    for (let chunk = await runs.logs.next(100); chunk !== undefined; chunk = await runs.logs.next(100))
      runs.logs.acknowledged(chunk);
  };
  const [end] = await eventually(() => {
    expect(emitted.map(({ state }) => state)).toEqual(["success"]);
    return emitted;
  });
  if (end !== undefined) runs.acknowledged(end);
  isOver = true;
  await deliver();
  expect(released).toEqual([]);
  known.resolve();
  const completed = await eventually(() => {
    expect(emitted.at(-1)).toEqual({ ...end, log });
    return emitted.at(-1);
  });
  await eventually(async () => {
    await deliver();
    expect(runs.logs.isDelivered(runId)).toBe(true);
  });
  expect(released).toEqual([]);
  if (completed !== undefined) runs.acknowledged(completed);
  await eventually(() => expect(released).toEqual([runId]));
  expect(runs.table.counts().ended["success"]).toBe(1);
});
