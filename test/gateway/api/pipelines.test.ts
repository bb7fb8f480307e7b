import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { instant } from "../../../src/base/instants.ts";
import type { PipelineView, RunView } from "../../../src/gateway/api/views.ts";
import { eventually } from "../../fakes/eventually.ts";
import { TestGateway } from "../test-gateway.ts";

test("pipelines are created under the service's name and runner, not deployed", async () => {
  const gateway = await TestGateway.start();
  const service = await gateway.service("shop");
  const schedule = { cron: "0 3 * * *" };
  const { warnings: _, ...created } = await gateway.ask<PipelineView>("POST", "/api/v1/pipelines", {
    name: "nightly",
    serviceId: service.serviceId,
    pipelineType: "metadata",
    sourceConfig: { type: "DatabaseMetadata" },
    schedule,
    timeoutSeconds: 60,
  });
  expect(created).toMatchObject({
    fullyQualifiedName: "shop.nightly",
    runnerId: "alpha",
    enabled: true,
    deployed: false,
    generation: 1,
    schedule: { cron: "0 3 * * *", timeZone: "UTC" },
  });
  expect(await gateway.ask("GET", "/api/v1/pipelines")).toEqual({ pipelines: [created] });
  expect(await gateway.ask("GET", `/api/v1/pipelines/${created.pipelineId}`)).toEqual(created);
});

test("pipelines refuse bad bodies and unknown services", async () => {
  const gateway = await TestGateway.start();
  const { serviceId } = await gateway.service();
  const good = { name: "nightly", serviceId, pipelineType: "metadata", sourceConfig: {} };
  const cases: readonly [object, string][] = [
    [{ ...good, schedule: { cron: "every day" } }, "schedule.cron"],
    [{ ...good, schedule: { cron: "0 3 * * *", timeZone: "Mars/Olympus" } }, "schedule.timeZone"],
    [{ ...good, schedule: { cron: "0 3 * * *", zone: "UTC" } }, "zone"],
    [{ ...good, timeoutSeconds: 0 }, "timeoutSeconds"],
    [{ ...good, serviceId: "shop" }, "serviceId"],
    [{ ...good, generation: 7 }, "generation"],
  ];
  for (const [body, word] of cases) {
    const answer = await gateway.call("POST", "/api/v1/pipelines", body);
    expect([answer.status, answer.body.code], JSON.stringify(body)).toEqual([400, "BadRequest"]);
    expect(answer.body.message).toContain(word);
  }
  const orphan = await gateway.call("POST", "/api/v1/pipelines", { ...good, serviceId: crypto.randomUUID() });
  expect([orphan.status, orphan.body.code]).toEqual([404, "NotFound"]);
  expect((await gateway.call("POST", "/api/v1/pipelines", good)).status).toBe(201);
  expect((await gateway.call("POST", "/api/v1/pipelines", good)).status).toBe(409);
});

test("pipelines never give a bot token back, but send it with the configuration", async () => {
  const gateway = await TestGateway.start(["--server-api-url", "http://om.example/api"]);
  const runner = await gateway.runner();
  const botToken = "bot-token-of-the-pipeline";
  const created = await gateway.pipeline({ botToken });
  const deployed = await gateway.ask("POST", `/api/v1/pipelines/${created.pipelineId}/deploy`);
  const listed = await gateway.ask("GET", "/api/v1/pipelines");
  expect(JSON.stringify([created, deployed, listed])).not.toContain(botToken);
  await eventually(() => {
    const { pipeline } = runner.newest("pipeline.deploy").body;
    expect(pipeline.pipelineId).toBe(created.pipelineId);
    expect(JSON.stringify(pipeline.config)).toContain(botToken);
    expect(JSON.stringify(pipeline.config)).toContain("http://om.example/api");
  });
  expect(gateway.logLines.join("")).not.toContain(botToken);
});

test("pipelines deploy in a new generation each time and reach the runner with the hash the gateway wants", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { pipelineId } = await gateway.deployed();
  const second = await gateway.ask<PipelineView>("POST", `/api/v1/pipelines/${pipelineId}/deploy`);
  expect(second).toMatchObject({ deployed: true, generation: 3 });
  expect(second.hash).toMatch(/^[0-9a-f]{64}$/);
  await eventually(() => {
    const { generation, hash, enabled } = runner.newest("pipeline.deploy").body.pipeline;
    expect([generation, hash, enabled]).toEqual([3, second.hash, true]);
  });
});

test("pipelines refuse to deploy a configuration that fits into no frame", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId } = await gateway.pipeline({ sourceConfig: { filler: "x".repeat(800_000) } });
  const answer = await gateway.call("POST", `/api/v1/pipelines/${pipelineId}/deploy`);
  expect([answer.status, answer.body.code]).toEqual([400, "PipelineTooLarge"]);
  expect(await gateway.ask("GET", `/api/v1/pipelines/${pipelineId}`)).toMatchObject({ deployed: false, generation: 1 });
});

test("pipelines toggle over, or to what is asked, and tell the runner", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { pipelineId } = await gateway.deployed();
  const toggle = (body?: object): Promise<PipelineView> =>
    gateway.ask("POST", `/api/v1/pipelines/${pipelineId}/toggle`, body);
  const off = await toggle();
  expect(off).toMatchObject({ enabled: false, generation: 3 });
  expect(await toggle({ enabled: false })).toMatchObject({ enabled: false });
  const on = await toggle({ enabled: true });
  expect(on.enabled).toBe(true);
  await eventually(() => {
    const { generation, hash, enabled } = runner.newest("pipeline.deploy").body.pipeline;
    expect([generation, hash, enabled]).toEqual([on.generation, on.hash, true]);
  });
  expect((await gateway.call("POST", `/api/v1/pipelines/${pipelineId}/toggle`, { enabled: "yes" })).status).toBe(400);
});

test("pipelines are listed by full name, by pages and by conditions", async () => {
  const gateway = await TestGateway.start();
  const { serviceId } = await gateway.service("shop");
  const other = await gateway.service("bank", { runnerId: "beta" });
  for (const [name, of] of [
    ["c", serviceId],
    ["a", serviceId],
    ["b", other.serviceId],
  ] as const) {
    const wish = { name, serviceId: of, pipelineType: "metadata", sourceConfig: {} };
    await gateway.ask("POST", "/api/v1/pipelines", wish);
  }
  const list = async (query: string): Promise<{ names: string[]; nextAfter?: string }> => {
    const path = `/api/v1/pipelines${query}`;
    const { pipelines, ...rest } = await gateway.ask<{ pipelines: PipelineView[] }>("GET", path);
    return { names: pipelines.map((pipeline) => pipeline.fullyQualifiedName), ...rest };
  };
  expect(await list("")).toEqual({ names: ["bank.b", "shop.a", "shop.c"] });
  expect(await list("?limit=2")).toEqual({ names: ["bank.b", "shop.a"], nextAfter: "shop.a" });
  expect(await list("?limit=2&after=shop.a")).toEqual({ names: ["shop.c"] });
  expect((await list("?runnerId=beta")).names).toEqual(["bank.b"]);
  expect((await list(`?serviceId=${serviceId}`)).names).toEqual(["shop.a", "shop.c"]);
  expect((await list("?fullyQualifiedName=shop.c")).names).toEqual(["shop.c"]);
  expect((await list("?fullyQualifiedName=shop")).names).toEqual([]);
});

test("pipelines that are not deployed or unknown don't run", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId } = await gateway.pipeline();
  const early = await gateway.call("POST", `/api/v1/pipelines/${pipelineId}/run`);
  expect([early.status, early.body.code]).toEqual([409, "PipelineNotDeployed"]);
  expect(early.body.advice).toContain(`POST /api/v1/pipelines/${pipelineId}/deploy`);
  await gateway.ask("POST", `/api/v1/pipelines/${pipelineId}/deploy`);
  expect((await gateway.call("POST", `/api/v1/pipelines/${crypto.randomUUID()}/run`)).status).toBe(404);
  expect(await gateway.ask("GET", "/api/v1/runs")).toEqual({ runs: [] });
});

test("pipelines run: the order is kept for a runner that is away, and reaches it with its overrides when it comes", async () => {
  const gateway = await TestGateway.start(["--queue-timeout-seconds", "100"]);
  const { pipelineId } = await gateway.deployed();
  const before = systemClock.now();
  const overrides = { sourceConfigOverride: { includeViews: false }, appConfigOverride: { batchSize: 7 } };
  const run = await gateway.startRun(pipelineId, overrides);
  expect(run).toMatchObject({
    ...overrides,
    pipelineId,
    runnerId: "alpha",
    state: "queued",
    attempt: 1,
    stopRequested: false,
  });
  expect(Date.parse(run.startDeadline)).toBeGreaterThanOrEqual(before + 100_000);
  const runner = await gateway.runner();
  await eventually(() => {
    expect(runner.newest("run.start").body).toMatchObject({
      runId: run.runId,
      pipelineId,
      ...overrides,
    });
  });
});

test("pipelines that are switched off run on demand all the same", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId } = await gateway.deployed();
  await gateway.ask("POST", `/api/v1/pipelines/${pipelineId}/toggle`, { enabled: false });
  const { runId } = await gateway.startRun(pipelineId);
  const runner = await gateway.runner();
  await eventually(() => expect(runner.newest("run.start").body.runId).toBe(runId));
});

test("pipelines stop all their runs that are open, and no others", async () => {
  const gateway = await TestGateway.start();
  const [mine, other] = [await gateway.deployed(), await gateway.deployed()];
  const runs = [await gateway.startRun(mine.pipelineId), await gateway.startRun(mine.pipelineId)];
  const spared = await gateway.startRun(other.pipelineId);
  const answer = await gateway.call<{ runs: string[] }>("POST", `/api/v1/pipelines/${mine.pipelineId}/stop`);
  expect(answer.status).toBe(202);
  expect([...answer.body.runs].sort()).toEqual(runs.map(({ runId }) => runId).sort());
  for (const { runId } of runs) expect((await gateway.run(runId)).stopRequested).toBe(true);
  expect((await gateway.run(spared.runId)).stopRequested).toBe(false);
});

test("pipelines delete to a tombstone, twice with the same answer, and their name is free again", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId, serviceId, generation } = await gateway.deployed();
  const { runId } = await gateway.startRun(pipelineId);
  const deleted = await gateway.ask<PipelineView>("DELETE", `/api/v1/pipelines/${pipelineId}`);
  expect(deleted.generation).toBe(generation + 1);
  expect(Date.parse(deleted.deletedAt ?? "")).toBeGreaterThan(0);
  expect(await gateway.ask("DELETE", `/api/v1/pipelines/${pipelineId}`)).toEqual(deleted);
  expect((await gateway.run(runId)).stopRequested).toBe(true);
  expect(await gateway.ask("GET", "/api/v1/pipelines")).toEqual({ pipelines: [] });
  for (const action of ["deploy", "run", "stop", "toggle"]) {
    expect((await gateway.call("POST", `/api/v1/pipelines/${pipelineId}/${action}`)).status, action).toBe(404);
  }
  expect((await gateway.call("GET", `/api/v1/pipelines/${pipelineId}`)).status).toBe(404);
  const again = { name: "metadata", serviceId, pipelineType: "metadata", sourceConfig: {} };
  expect((await gateway.call("POST", "/api/v1/pipelines", again)).status).toBe(201);
  const runner = await gateway.runner();
  expect(runner.newest("wanted").body.tombstones).toEqual([{ pipelineId, generation: deleted.generation }]);
});

test("pipelines changed by many at once lose no change", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId } = await gateway.pipeline();
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => gateway.call<PipelineView>("POST", `/api/v1/pipelines/${pipelineId}/deploy`)),
  );
  const good = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status === 409);
  expect(good.length + refused.length).toBe(4);
  expect(new Set(good.map(({ body }) => body.generation)).size).toBe(good.length);
  const { generation } = await gateway.ask<PipelineView>("GET", `/api/v1/pipelines/${pipelineId}`);
  expect(generation).toBe(1 + good.length);
});

test("a run that has ended shows its exit code, proof and failure", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { pipelineId } = await gateway.deployed();
  const { runId } = await gateway.startRun(pipelineId);
  await eventually(() => runner.newest("run.start"));
  const startedAt = Date.now();
  const endedAt = Date.now();
  const failure = { category: "ExitCode" as const, summary: "it failed", advice: "look", logTail: ["last"] };
  runner.report({ runId, pipelineId, attempt: 1, state: "running", startedAt });
  runner.report({ runId, pipelineId, attempt: 1, state: "failed", startedAt, endedAt, exitCode: 3, failure });
  const run = await eventually(async () => {
    const found = await gateway.run(runId);
    expect(found.state).toBe("failed");
    return found;
  });
  expect(run satisfies RunView).toMatchObject({
    exitCode: 3,
    failure,
    startedAt: instant(startedAt),
    endedAt: instant(endedAt),
    dispatch: "accepted",
  });
});
