import { expect, test } from "vitest";
import type { RunnerView } from "../../../src/gateway/api/views.ts";
import { eventually } from "../../fakes/eventually.ts";
import { TestGateway } from "../test-gateway.ts";

test("runners are shown connected with what they told, and disconnected when they have gone", async () => {
  const gateway = await TestGateway.start();
  expect(await gateway.ask("GET", "/api/v1/runners")).toEqual({ runners: [] });
  const runner = await gateway.runner();
  const connected = await gateway.ask<{ lastSeenAt: string }>("GET", "/api/v1/runners/alpha");
  expect(connected).toMatchObject({
    runnerId: "alpha",
    status: "Connected",
    runnerVersion: "1.2.3",
    ingestionVersion: "1.9.0",
    executor: "process",
    platform: "test",
    host: "machine-7",
    epoch: runner.newest("welcome").body.epoch,
    maxConcurrentRuns: 4,
    orphans: [],
  });
  expect(Date.parse(connected.lastSeenAt)).toBeGreaterThan(0);
  runner.leave();
  await eventually(async () => {
    const { runners } = await gateway.ask<{ runners: object[] }>("GET", "/api/v1/runners");
    expect(runners).toMatchObject([
      { runnerId: "alpha", status: "Disconnected", runnerVersion: "1.2.3", host: "machine-7" },
    ]);
  });
});

test("runners are freed for another installation by a rebind", async () => {
  const gateway = await TestGateway.start();
  await gateway.runner();
  expect((await gateway.store.findRunner("alpha"))?.installationId).toBe("installation of alpha");
  const answer = await gateway.call("POST", "/api/v1/runners/alpha/rebind");
  expect([answer.status, answer.body]).toMatchObject([200, { runnerId: "alpha" }]);
  expect((await gateway.store.findRunner("alpha"))?.installationId).toBeUndefined();
  const unknown = await gateway.call("POST", "/api/v1/runners/nobody/rebind");
  expect([unknown.status, unknown.body.code]).toEqual([404, "NotFound"]);
  expect((await gateway.call("GET", "/api/v1/runners/nobody")).status).toBe(404);
});

test("a runner's status is what it answers now", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const ask = () => gateway.call("GET", "/api/v1/runners/alpha/status");
  const answer = { kind: "serviceStatus", healthy: false, message: "no right to create Jobs" } as const;
  runner.answer = () => ({ outcome: "answered", answer });
  await eventually(async () => expect((await ask()).status).toBe(200));
  expect((await ask()).body).toEqual({ healthy: false, message: "no right to create Jobs" });
  runner.answer = () => ({ outcome: "unsupported", message: "This runner can't tell" });
  expect((await ask()).body).toEqual({ healthy: false, message: "This runner can't tell" });
  runner.leave();
  await eventually(async () =>
    expect(await ask()).toMatchObject({ status: 503, body: { code: "RunnerNotConnected" } }),
  );
  expect((await gateway.call("GET", "/api/v1/runners/nobody/status")).status).toBe(404);
});

test("stopping a pipeline tells its runner, which may know of more runs, and says when that wasn't possible", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { pipelineId } = await gateway.deployed();
  await eventually(() => runner.newest("pipeline.deploy"));
  const stop = () => gateway.ask("POST", `/api/v1/pipelines/${pipelineId}/stop`);
  expect(await stop()).toEqual({ runs: [], told: true });
  expect(runner.newest("pipeline.stop").body.pipelineId).toBe(pipelineId);
  runner.answer = () => ({ outcome: "refused", reason: "storage", message: "disk full", advice: "" });
  expect(await stop()).toEqual({ runs: [], told: false });
  runner.leave();
  await eventually(async () =>
    expect(await gateway.ask("GET", "/api/v1/runners/alpha")).toMatchObject({ status: "Disconnected" }),
  );
  expect(await stop()).toEqual({ runs: [], told: false });
});

test("runners tell where they come from, how many places are free, and how a session was lost", async () => {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const look = () => gateway.ask<RunnerView>("GET", "/api/v1/runners/alpha");
  expect(await look()).toMatchObject({ address: "127.0.0.1", freePlaces: 4 });
  expect(await look()).not.toHaveProperty("lastError");
  const { pipelineId } = await gateway.deployed();
  await gateway.startRun(pipelineId);
  await eventually(async () => expect((await look()).freePlaces).toBe(3));
  runner.leave();
  await eventually(async () => expect((await look()).status).toBe("Disconnected"));
  expect(await look()).not.toHaveProperty("lastError");
  await gateway.runner();
  await gateway.ask("POST", "/api/v1/runners/alpha/retire");
  await eventually(async () => expect((await look()).lastError).toMatchObject({ close: "retired" }));
  expect(await look()).not.toHaveProperty("freePlaces");
});
