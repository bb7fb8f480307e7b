import { describe, expect, it } from "vitest";
import { CodedError } from "../../../src/base/errors.ts";
import { GATEWAY_ERRORS } from "../../../src/gateway/errors.ts";
import type { RunRecord, Store } from "../../../src/gateway/store/store.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { eventually } from "../../fakes/eventually.ts";
import { report } from "../store/records.ts";
import { Harness } from "./sessions-harness.ts";

describe("updates", () => {
  it("are acknowledged only after the store has committed them", async () => {
    const gate = Promise.withResolvers<void>();
    const wrap = (store: Store): Store => ({
      ...store,
      takeReport: async (...input) => {
        await gate.promise;
        return store.takeReport(...input);
      },
    });
    const harness = await Harness.start({ wrap });
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted" });
    const line = await harness.runner({ runs: [{ ...report(run, "queued"), state: "queued" }] });
    line.update("run.update", report(run, "running"));
    line.update("run.log", { runId: run.runId, offset: 0, text: "x" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(line.acknowledged).toBe(0);
    gate.resolve();
    await eventually(() => expect(line.acknowledged).toBe(2));
    expect(await harness.find(run.runId)).toMatchObject({ state: "running", logBytes: 1 });
  });

  it("are not acknowledged when the store fails: the session ends and the runner sends them again", async () => {
    let broken = true;
    const wrap = (store: Store): Store => ({
      ...store,
      takeReport: (...input) => {
        if (broken) throw new CodedError(GATEWAY_ERRORS.StoreUnavailable, "Cannot write: /secret/path is full");
        return store.takeReport(...input);
      },
    });
    const harness = await Harness.start({ wrap });
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted" });
    const reported = [{ ...report(run, "queued"), state: "queued" as const }];
    const line = await harness.runner({ runs: reported });
    line.update("run.update", report(run, "success"));
    const end = await line.ended();
    expect(end).toMatchObject({ name: "internal", code: 4500 });
    expect(end.reason).not.toContain("secret");
    expect(line.acknowledged).toBe(0);
    broken = false;
    const again = await harness.runner({ runs: reported });
    again.update("run.update", report(run, "success"));
    await eventually(() => expect(again.acknowledged).toBe(1));
    expect((await harness.find(run.runId)).state).toBe("success");
  });

  it("of runs that nobody knows are acknowledged all the same and leave nothing", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    const unknown = { runId: crypto.randomUUID(), pipelineId: crypto.randomUUID() };
    line.update("run.update", report(unknown, "success"));
    line.update("run.log", { runId: unknown.runId, offset: 0, text: "x" });
    await eventually(() => expect(line.acknowledged).toBe(2));
    expect(await harness.store.findRun(unknown.runId)).toBeUndefined();
  });

  it("of another runner's run change nothing", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline({ runnerId: "beta" }), { runnerId: "beta" });
    const line = await harness.runner();
    line.update("run.update", report(run, "failed"));
    line.update("run.log", { runId: run.runId, offset: 0, text: "forged" });
    await eventually(() => expect(line.acknowledged).toBe(2));
    expect(await harness.find(run.runId)).toMatchObject({ state: "queued", logBytes: 0 });
  });

  it("may come before both sides have compared, and while the line is flooded all arrive in order", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted" });
    const line = await (await harness.dial()).greet();
    await line.compare({ runs: [{ ...report(run, "queued"), state: "queued" }] });
    let offset = 0;
    for (let count = 0; count < 500; count++) {
      const text = `line ${count}\n`;
      line.update("run.log", { runId: run.runId, offset, text });
      offset += text.length;
    }
    await eventually(() => expect(line.acknowledged).toBe(500));
    expect(line.all("ack").length).toBeLessThan(500);
    expect(await harness.find(run.runId)).toMatchObject({ logBytes: offset, logGaps: [] });
    expect(line.closed).toBeUndefined();
  });

  it("of logs that came together share one commit, and none is acknowledged before it", async () => {
    const commits: number[] = [];
    const wrap = (store: Store): Store => ({
      ...store,
      appendLogs: (pieces) => {
        commits.push(pieces.length);
        return store.appendLogs(pieces);
      },
    });
    const harness = await Harness.start({ wrap });
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted" });
    const line = await harness.runner({ runs: [{ ...report(run, "running"), state: "running" }] });
    for (let count = 0; count < 100; count++) {
      line.update("run.log", { runId: run.runId, offset: count * 1000, text: "x".repeat(1000) });
    }
    await eventually(() => expect(line.acknowledged).toBe(100));
    expect(commits.reduce((sum, count) => sum + count, 0)).toBe(100);
    expect(commits.length).toBeLessThan(50);
    expect(Math.max(...commits)).toBeLessThanOrEqual(16);
    expect(await harness.find(run.runId)).toMatchObject({ logBytes: 100_000, logGaps: [] });
  });

  it("of states are written side by side, in their order, and none is acknowledged before those in front of it are committed", async () => {
    const release: (() => void)[] = [];
    const wrap = (store: Store): Store => ({
      ...store,
      takeReport: async (runnerId, report, now) => {
        await new Promise<void>((resolve) => release.push(resolve));
        return store.takeReport(runnerId, report, now);
      },
    });
    const harness = await Harness.start({ wrap });
    const runs = [];
    for (let count = 0; count < 3; count++) {
      runs.push(await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted" }));
    }
    const line = await harness.runner({ runs: runs.map((run) => ({ ...report(run, "queued"), state: "queued" })) });
    for (const run of runs) line.update("run.update", report(run, "running"));
    await eventually(() => expect(release).toHaveLength(3));
    for (const free of release.slice(1)) free();
    for (const run of runs.slice(1)) {
      await eventually(async () => expect(await harness.find(run.runId)).toMatchObject({ state: "running" }));
    }
    expect(line.acknowledged).toBe(0);
    release[0]?.();
    await eventually(() => expect(line.acknowledged).toBe(3));
  });

  it("are told to listeners, until they leave", async () => {
    const harness = await Harness.start();
    const run = await harness.waitingRun(await harness.pipeline(), { dispatch: "accepted" });
    const runs: RunRecord[] = [];
    const logs: string[] = [];
    const leave = [
      harness.sessions.onRunChanged((changed) => void runs.push(changed)),
      harness.sessions.onLogAppended((runId) => void logs.push(runId)),
    ];
    const line = await harness.runner({ runs: [{ ...report(run, "queued"), state: "queued" }] });
    line.update("run.update", report(run, "running"));
    line.update("run.log", { runId: run.runId, offset: 0, text: "x" });
    await eventually(() => expect(line.acknowledged).toBe(2));
    expect(runs.at(-1)).toMatchObject({ runId: run.runId, state: "running" });
    expect(logs).toEqual([run.runId]);
    for (const one of leave) one();
    line.update("run.log", { runId: run.runId, offset: 1, text: "y" });
    await eventually(() => expect(line.acknowledged).toBe(3));
    expect(logs).toEqual([run.runId]);
  });
});

describe("asking a runner", () => {
  it("answers with its verdict", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    line.answer = () => ({ outcome: "answered", answer: { kind: "serviceStatus", healthy: true, message: "fine" } });
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    expect(await harness.sessions.ask("alpha", { type: "service.status", body: {} })).toMatchObject({
      outcome: "answered",
      answer: { healthy: true },
    });
  });

  it("fails with RunnerNotConnected when there is no session, and when it ends first", async () => {
    const harness = await Harness.start();
    const ask = () => harness.sessions.ask("alpha", { type: "service.status", body: {} });
    await expect(ask()).rejects.toMatchObject({ code: "RunnerNotConnected" });
    const line = await harness.runner();
    line.answer = () => undefined;
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    const asked = expect(ask()).rejects.toMatchObject({ code: "RunnerNotConnected" });
    await line.next("service.status");
    line.cut();
    await asked;
  });

  it("fails with VerdictTimedOut without a verdict and closes the session", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    line.answer = () => undefined;
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    const request = { type: "service.status", body: {} } as const;
    const asked = expect(harness.sessions.ask("alpha", request)).rejects.toMatchObject({ code: "VerdictTimedOut" });
    await line.next("service.status");
    await harness.clock.advance(LIMITS.verdictSeconds * 1000 + 1);
    await asked;
    expect(await line.ended()).toMatchObject({ name: "verdictTimeout" });
  });
});
