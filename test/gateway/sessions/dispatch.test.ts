import { describe, expect, it } from "vitest";
import type { RunRecord } from "../../../src/gateway/store/store.ts";
import type { Frame } from "../../../src/protocol/codec.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { eventually } from "../../fakes/eventually.ts";
import { report } from "../store/records.ts";
import type { VerdictWish } from "./line.ts";
import { Harness } from "./sessions-harness.ts";

const reported = (run: RunRecord, state: "queued" | "running" = "running") => ({
  runId: run.runId,
  pipelineId: run.pipelineId,
  attempt: 1,
  state,
});
const refuse = (reason: Extract<VerdictWish, { outcome: "refused" }>["reason"]): VerdictWish => ({
  outcome: "refused",
  reason,
  message: `because of ${reason}`,
  advice: "do something",
});
/** Accepts everything but answers `run.start` as told. */
const onStart = (answer: (start: Frame) => VerdictWish | undefined) => (operation: Frame) =>
  operation.type === "run.start" ? answer(operation) : ({ outcome: "accepted" } as const);

describe("offering runs", () => {
  it("deploys the pipeline first, then offers the run once with its generation and a moment to start before", async () => {
    const harness = await Harness.start();
    const pipeline = await harness.pipeline();
    const run = await harness.waitingRun(pipeline, { sourceConfigOverride: { a: 1 } });
    const line = await harness.runner();
    const { body } = await line.next("run.start");
    expect(body).toMatchObject({ runId: run.runId, generation: 1, attempt: 1, sourceConfigOverride: { a: 1 } });
    expect(body.startBefore).toBe(harness.clock.now() + 60_000);
    expect(line.frames.findIndex((frame) => frame.type === "pipeline.deploy")).toBeLessThan(
      line.frames.findIndex((frame) => frame.type === "run.start"),
    );
    await eventually(async () => expect((await harness.find(run.runId)).dispatch).toBe("accepted"));
    harness.sessions.wake("alpha");
    await harness.clock.advance(16_000);
    expect(line.all("run.start")).toHaveLength(1);
  });

  it("takes the state that comes with a verdict, accepted or duplicate", async () => {
    for (const outcome of ["accepted", "duplicate"] as const) {
      const harness = await Harness.start();
      const run = await harness.waitingRun(await harness.pipeline());
      const startedAt = harness.clock.now();
      const line = await harness.dial();
      line.answer = onStart(() => ({ outcome, run: report(run, "running", { startedAt }) }));
      await line.greet();
      await line.compare();
      line.inStep();
      const expected = { dispatch: "accepted", state: "running", startedAt };
      await eventually(async () => expect(await harness.find(run.runId)).toMatchObject(expected));
    }
  });

  it("offers no more than the runner runs at once, oldest first, and the next when one has ended", async () => {
    const harness = await Harness.start();
    const runs: RunRecord[] = [];
    for (let count = 0; count < 4; count++) runs.push(await harness.waitingRun(await harness.pipeline()));
    const line = await harness.runner();
    await eventually(() => expect(line.all("run.start")).toHaveLength(2));
    await eventually(async () => expect((await harness.find(runs[1]?.runId ?? "")).dispatch).toBe("accepted"));
    harness.sessions.wake("alpha");
    await harness.clock.advance(16_000);
    expect(line.all("run.start").map((start) => start.body.runId)).toEqual([runs[0]?.runId, runs[1]?.runId]);
    const first = runs[0];
    if (first !== undefined) line.update("run.update", report(first, "success"));
    await eventually(() => expect(line.all("run.start")).toHaveLength(3));
    expect(line.all("run.start")[2]?.body.runId).toBe(runs[2]?.runId);
  });

  it("offers one run of a pipeline at a time, and meanwhile those of others", async () => {
    const harness = await Harness.start();
    const [busy, other] = [await harness.pipeline(), await harness.pipeline()];
    const first = await harness.waitingRun(busy);
    const second = await harness.waitingRun(busy);
    const third = await harness.waitingRun(other);
    const line = await harness.runner();
    const offered = () => line.all("run.start").map((start) => start.body.runId);
    await eventually(() => expect(offered().sort()).toEqual([first.runId, third.runId].sort()));
    await eventually(async () => expect((await harness.find(third.runId)).dispatch).toBe("accepted"));
    line.update("run.update", report(third, "success"));
    await harness.clock.advance(16_000);
    expect(offered()).toHaveLength(2);
    line.update("run.update", report(first, "success"));
    await eventually(() => expect(offered()[2]).toBe(second.runId));
  });

  it("closes a session whose operation gets no verdict", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline());
    const line = await harness.dial();
    line.answer = onStart(() => undefined);
    await line.greet();
    await line.compare();
    line.inStep();
    await line.next("run.start");
    await harness.clock.advance(LIMITS.verdictSeconds * 1000 + 1);
    expect(await line.ended()).toMatchObject({ name: "verdictTimeout", code: 4408 });
    expect((await harness.find(run.runId)).dispatch).toBe("offered");
  });

  it.each([
    ["tooLate", 2000],
    ["storage", 2000],
    ["full", 16_000],
    ["draining", 16_000],
    ["standby", 16_000],
  ] as const)("offers a run again after a while when it was refused as %s", async (reason, wait) => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline());
    const line = await harness.dial();
    line.answer = onStart(() => (line.all("run.start").length > 1 ? { outcome: "accepted" } : refuse(reason)));
    await line.greet();
    await line.compare();
    line.inStep();
    await eventually(async () => {
      await line.next("run.start");
      expect((await harness.find(run.runId)).dispatch).toBe("waiting");
    });
    harness.sessions.wake("alpha");
    await harness.clock.advance(100);
    expect(line.all("run.start")).toHaveLength(1);
    await harness.clock.advance(wait);
    await eventually(async () => expect((await harness.find(run.runId)).dispatch).toBe("accepted"));
    expect(line.all("run.start")).toHaveLength(2);
  });

  it.each(["unknownPipeline", "staleGeneration"] as const)(
    "deploys again after %s, then offers again",
    async (reason) => {
      const harness = await Harness.start();
      const pipeline = await harness.pipeline();
      const run = await harness.waitingRun(pipeline);
      const line = await harness.dial();
      line.answer = onStart(() => (line.all("pipeline.deploy").length > 0 ? { outcome: "accepted" } : refuse(reason)));
      await line.greet();
      await line.compare({ pipelines: [{ pipelineId: pipeline.pipelineId, generation: 1, hash: pipeline.hash }] });
      line.inStep();
      await line.next("pipeline.deploy");
      await harness.clock.advance(2000);
      await eventually(async () => expect((await harness.find(run.runId)).dispatch).toBe("accepted"));
    },
  );

  it.each([
    ["policy", "PolicyDenied"],
    ["badConfig", "ConfigError"],
    ["noExecutor", "ConfigError"],
  ] as const)("fails a run that was refused as %s with category %s", async (reason, category) => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline());
    const line = await harness.dial();
    line.answer = onStart(() => refuse(reason));
    await line.greet();
    await line.compare();
    line.inStep();
    const failure = { category, detail: `because of ${reason}`, advice: "do something" };
    // Nothing was started, so that nothing is missing of its log.
    const ended = { state: "failed", failure, logBytes: 0, logEnd: { bytes: 0 } };
    await eventually(async () => expect(await harness.find(run.runId)).toMatchObject(ended));
  });

  it("fails a run of a pipeline that was refused with the runner's own advice", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline());
    const line = await harness.dial();
    line.answer = ({ type }) => (type === "pipeline.deploy" ? refuse("badConfig") : { outcome: "accepted" });
    await line.greet();
    await line.compare();
    line.inStep();
    const failure = { category: "ConfigError", detail: "because of badConfig", advice: "do something" };
    await eventually(async () => expect(await harness.find(run.runId)).toMatchObject({ state: "failed", failure }));
  });

  it("fails a run at once when the runner can't do runs, or won't take the pipeline", async () => {
    for (const refused of ["run.start", "pipeline.deploy"]) {
      const harness = await Harness.start();
      const run = await harness.waitingRun(await harness.pipeline());
      const line = await harness.dial();
      line.answer = (operation) =>
        operation.type === refused ? { outcome: "unsupported", message: "never" } : { outcome: "accepted" };
      await line.greet();
      await line.compare();
      line.inStep();
      const failure = { category: "ConfigError", detail: "never" };
      await eventually(async () => expect(await harness.find(run.runId)).toMatchObject({ state: "failed", failure }));
    }
  });

  it("fails a waiting run whose pipeline was deleted", async () => {
    const harness = await Harness.start();
    const pipeline = await harness.pipeline();
    const run = await harness.waitingRun(pipeline);
    await harness.store.changePipeline(pipeline.pipelineId, 1, { deletedAt: 2, updatedAt: 2 });
    const line = await harness.runner();
    await eventually(async () => expect((await harness.find(run.runId)).failure?.category).toBe("ConfigError"));
    expect(line.all("run.start")).toEqual([]);
  });
});

describe("a line that is cut", () => {
  it("after an offer without a verdict gives exactly one accepted run, whether or not the runner got it", async () => {
    for (const runnerHasIt of [false, true]) {
      const harness = await Harness.start();
      const pipeline = await harness.pipeline();
      const run = await harness.waitingRun(pipeline);
      const has = [{ pipelineId: pipeline.pipelineId, generation: 1, hash: pipeline.hash }];
      const first = await harness.dial();
      first.answer = onStart(() => undefined);
      await first.greet();
      await first.compare({ pipelines: has });
      first.inStep();
      await first.next("run.start");
      expect((await harness.find(run.runId)).dispatch).toBe("offered");
      first.cut();
      await eventually(() => expect(harness.sessions.connected().size).toBe(0));
      const second = await harness.runner({ pipelines: has, runs: runnerHasIt ? [reported(run)] : [] });
      await eventually(async () => expect((await harness.find(run.runId)).dispatch).toBe("accepted"));
      await harness.clock.advance(16_000);
      expect(second.all("run.start")).toHaveLength(runnerHasIt ? 0 : 1);
      expect(await harness.store.listRuns({ limit: 10 })).toHaveLength(1);
    }
  });

  it("never offers a run again whose stop was asked for meanwhile", async () => {
    const harness = await Harness.start();
    const pipeline = await harness.pipeline();
    const run = await harness.waitingRun(pipeline);
    const first = await harness.dial();
    first.answer = onStart(() => undefined);
    await first.greet();
    await first.compare();
    first.inStep();
    await first.next("run.start");
    first.cut();
    await eventually(() => expect(harness.sessions.connected().size).toBe(0));
    await harness.store.requestStop(run.runId);
    harness.sessions.wake("alpha");
    // It may be running over there, so only the next inventory decides.
    expect((await harness.find(run.runId)).state).toBe("queued");
    const second = await harness.runner();
    await eventually(async () => expect((await harness.find(run.runId)).state).toBe("stopped"));
    expect(second.all("run.start")).toEqual([]);
  });
});

describe("runs that vanished", () => {
  const answerStatus = (run: ReturnType<typeof report> | null) => (operation: Frame) =>
    operation.type === "run.status"
      ? ({ outcome: "answered", answer: { kind: "runStatus", run } } as const)
      : ({ outcome: "accepted" } as const);

  it("are failed as Lost when the runner accepted them and says it has no such run", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted", state: "running" });
    const line = await harness.dial();
    line.answer = answerStatus(null);
    await line.greet();
    await line.compare();
    expect((await harness.find(run.runId)).state).toBe("running");
    line.inStep();
    await eventually(async () => expect((await harness.find(run.runId)).failure?.category).toBe("Lost"));
    expect((await harness.find(run.runId)).failure?.detail).toContain("run.status");
  });

  it("take the state the runner tells when it does know them", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted" });
    const line = await harness.dial();
    line.answer = answerStatus(report(run, "success", { exitCode: 0 }));
    await line.greet();
    await line.compare();
    line.inStep();
    await eventually(async () =>
      expect(await harness.find(run.runId)).toMatchObject({ state: "success", exitCode: 0 }),
    );
  });

  it("stay as they are while their runner is away, however long", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted", state: "running" });
    await harness.clock.advance(86_400_000);
    expect((await harness.find(run.runId)).state).toBe("running");
  });

  it("are learned from the inventory when a restored store doesn't know them", async () => {
    const harness = await Harness.start();
    const pipeline = await harness.pipeline();
    const forgotten = { runId: crypto.randomUUID(), pipelineId: pipeline.pipelineId };
    const line = await harness.dial();
    line.answer = answerStatus(report(forgotten, "running", { startedAt: 5 }));
    await line.greet();
    await line.compare({ runs: [{ ...forgotten, attempt: 1, state: "running" }] });
    line.inStep();
    const expected = { state: "running", startedAt: 5, dispatch: "accepted" };
    await eventually(async () => expect(await harness.find(forgotten.runId)).toMatchObject(expected));
  });
});

describe("stopping", () => {
  it("ends a waiting run at once, with its runner connected or away", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline());
    await harness.store.requestStop(run.runId);
    harness.sessions.wake("alpha");
    await eventually(async () => expect((await harness.find(run.runId)).state).toBe("stopped"));
    const line = await harness.runner();
    await harness.clock.advance(16_000);
    expect(line.all("run.start")).toEqual([]);
  });

  it("asks the runner once to stop a run it has, and once more in the next session", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted", state: "running" });
    const line = await harness.runner({ runs: [reported(run)] });
    await harness.store.requestStop(run.runId);
    harness.sessions.wake("alpha");
    await line.next("run.stop", (stop) => stop.body.runId === run.runId);
    harness.sessions.wake("alpha");
    await harness.clock.advance(16_000);
    expect(line.all("run.stop")).toHaveLength(1);
    expect((await harness.find(run.runId)).state).toBe("running");
    const again = await harness.runner({ runs: [reported(run)] });
    await again.next("run.stop");
    again.update("run.update", report(run, "stopped"));
    await eventually(async () => expect((await harness.find(run.runId)).state).toBe("stopped"));
  });

  it("takes the end that a stop finds, and Lost when the runner has no such run", async () => {
    for (const [verdict, expected] of [
      ["duplicate", { state: "success" }],
      ["answered", { state: "failed", failure: { category: "Lost" } }],
    ] as const) {
      const harness = await Harness.start();
      const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted", state: "running" });
      await harness.store.requestStop(run.runId);
      const line = await harness.dial();
      line.answer = (operation) => {
        if (operation.type !== "run.stop") return { outcome: "accepted" };
        if (verdict === "duplicate") return { outcome: "duplicate", run: report(run, "success") };
        return { outcome: "answered", answer: { kind: "runStatus", run: null } };
      };
      await line.greet();
      await line.compare({ runs: [reported(run)] });
      line.inStep();
      await eventually(async () => expect(await harness.find(run.runId)).toMatchObject(expected));
    }
  });

  it("stops a run that is live on the runner though it was settled as stopped here", async () => {
    const harness = await Harness.start();
    const pipeline = await harness.pipeline();
    const run = await harness.waitingRun(pipeline);
    await harness.store.requestStop(run.runId);
    harness.sessions.wake("alpha");
    await eventually(async () => expect((await harness.find(run.runId)).state).toBe("stopped"));
    const line = await harness.runner();
    line.update("run.update", report(run, "running"));
    await line.next("run.stop", (stop) => stop.body.runId === run.runId);
    expect((await harness.find(run.runId)).state).toBe("stopped");
  });
});

describe("deadlines", () => {
  it("fail a waiting run with StartTimeout though its runner never came", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline(), { startDeadline: harness.clock.now() + 20_000 });
    await harness.clock.advance(16_000);
    expect((await harness.find(run.runId)).state).toBe("queued");
    await harness.clock.advance(16_000);
    await eventually(async () => expect((await harness.find(run.runId)).failure?.category).toBe("StartTimeout"));
    const line = await harness.runner();
    await harness.clock.advance(16_000);
    expect(line.all("run.start")).toEqual([]);
  });

  it("bound how late an offered run may start", async () => {
    const harness = await Harness.start();
    const startDeadline = harness.clock.now() + 20_000;
    await harness.waitingRun(await harness.pipeline(), { startDeadline });
    const line = await harness.runner();
    expect((await line.next("run.start")).body.startBefore).toBe(startDeadline);
  });
});
