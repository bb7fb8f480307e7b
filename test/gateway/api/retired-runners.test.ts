import { expect, test } from "vitest";
import type { RunnerView, TokenView } from "../../../src/gateway/api/views.ts";
import { eventually } from "../../fakes/eventually.ts";
import { dialRunner, ScriptedRunner } from "../scripted-runner.ts";
import { TestGateway } from "../test-gateway.ts";

test("a retired runner loses its session and its tokens, and is told so whenever it dials", async () => {
  const gateway = await TestGateway.start();
  const { text } = await gateway.token({ runnerId: "alpha" });
  const runner = await ScriptedRunner.connect(gateway.url, text, "alpha");
  const retired = await gateway.ask<RunnerView>("POST", "/api/v1/runners/alpha/retire");
  expect(Date.parse(retired.retiredAt ?? "")).toBeGreaterThan(0);
  await eventually(() => expect(runner.newest("close").body.name).toBe("retired"));
  const { tokens } = await gateway.ask<{ tokens: TokenView[] }>("GET", "/api/v1/tokens?runnerId=alpha");
  expect(tokens.map(({ state }) => state)).toEqual(["revoked"]);
  await expect(dialRunner(gateway.url, text, "alpha")).rejects.toMatchObject({
    facts: { status: 410, refusal: "retired" },
  });
  const again = await gateway.ask<RunnerView>("POST", "/api/v1/runners/alpha/retire");
  expect(again.retiredAt).toBe(retired.retiredAt);

  const { pipelineId } = await gateway.deployed();
  expect((await gateway.startRun(pipelineId)).waiting).toMatch(/^runner alpha is retired since \d{4}-/);
  expect((await gateway.call("POST", "/api/v1/runners/beta/retire")).status).toBe(404);
});

test("a retired runner is refused in its greeting too, where its token is good for any runner", async () => {
  const gateway = await TestGateway.start();
  const { text } = await gateway.token();
  (await ScriptedRunner.connect(gateway.url, text, "alpha")).leave();
  await gateway.ask("POST", "/api/v1/runners/alpha/retire");
  const runner = await ScriptedRunner.dial(gateway.url, text, "alpha");
  await eventually(() => expect(runner.newest("close").body.name).toBe("retired"));
});

test("a runner is removed when nothing names it, or by force, and its id is free again", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { pipelineId, serviceId } = await gateway.deployed();
  await gateway.ask("POST", "/api/v1/runners/alpha/retire");
  const refused = await gateway.call("DELETE", "/api/v1/runners/alpha");
  expect([refused.status, refused.body.code]).toEqual([409, "RunnerInUse"]);
  expect(refused.body.message).toContain("1 service and 1 pipeline");
  expect((await gateway.call("DELETE", "/api/v1/runners/alpha?force=true")).status).toBe(200);
  expect((await gateway.call("DELETE", "/api/v1/runners/alpha")).status).toBe(404);
  await eventually(() => expect(runner.newest("close").body.name).toBe("retired"));
  expect(await gateway.ask("GET", "/api/v1/runners")).toEqual({ runners: [] });

  const second = await gateway.runner();
  await eventually(() => expect(second.newest("pipeline.deploy").body.pipeline.pipelineId).toBe(pipelineId));
  await gateway.ask("DELETE", `/api/v1/pipelines/${pipelineId}`);
  await gateway.ask("DELETE", `/api/v1/services/${serviceId}`);
  expect((await gateway.call("DELETE", "/api/v1/runners/alpha")).status).toBe(200);
});

test("the open runs of a runner that is retired or removed come to an end that says why", async () => {
  for (const [method, path, why] of [
    ["POST", "/api/v1/runners/alpha/retire", /^runner alpha is retired since \d{4}-/],
    ["DELETE", "/api/v1/runners/alpha?force=true", /^runner alpha was removed at \d{4}-/],
  ] as const) {
    const gateway = await TestGateway.start();
    const runner = await gateway.runner();
    const running = await gateway.deployed();
    const waiting = await gateway.deployed();
    const taken = await gateway.startRun(running.pipelineId);
    await eventually(() => expect(runner.newest("run.start").body.runId).toBe(taken.runId));
    runner.report({ runId: taken.runId, pipelineId: running.pipelineId, attempt: 1, state: "running" });
    await eventually(async () => expect((await gateway.run(taken.runId)).state).toBe("running"));
    runner.leave();
    await eventually(async () => {
      const { status } = await gateway.ask<RunnerView>("GET", "/api/v1/runners/alpha");
      expect(status).toBe("Disconnected");
    });
    const queued = await gateway.startRun(waiting.pipelineId);
    const stopped = await gateway.startRun(waiting.pipelineId);
    await gateway.store.requestStop(stopped.runId);

    await gateway.ask(method, path);
    const ends = await Promise.all([taken, queued, stopped].map(({ runId }) => gateway.run(runId)));
    const told = ends.map(({ state, failure }) => `${state} ${failure?.category}`);
    expect(told, method).toEqual(["failed Lost", "failed StartTimeout", "stopped undefined"]);
    expect(ends[0]?.failure?.detail).toMatch(why);
    expect(ends[0]?.failure?.detail).toContain("the last state here was running");
    expect(ends[1]?.failure?.detail).toMatch(why);
    // Where nothing was started nothing is missing of a log; of the other nobody knows.
    const logs = await Promise.all(
      ends.map(({ runId }) => gateway.ask<{ complete: boolean }>("GET", `/api/v1/runs/${runId}/logs`)),
    );
    expect(logs.map(({ complete }) => complete)).toEqual([false, true, true]);
  }
});

test("a run that is ordered of a retired runner, or was open before a gateway knew better, is ended too", async () => {
  const gateway = await TestGateway.start();
  await gateway.runner();
  const { pipelineId } = await gateway.deployed();
  await gateway.store.retireRunner("alpha", Date.now());
  const late = await gateway.startRun(pipelineId);
  await gateway.ask("POST", "/api/v1/runners/alpha/retire");
  await eventually(async () => {
    expect((await gateway.run(late.runId)).state).toBe("failed");
    expect((await gateway.ask<RunnerView>("GET", "/api/v1/runners/alpha")).status).toBe("Disconnected");
  });
  const after = await gateway.startRun(pipelineId);
  await eventually(async () => expect((await gateway.run(after.runId)).failure?.category).toBe("StartTimeout"));
});
