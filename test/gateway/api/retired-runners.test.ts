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
