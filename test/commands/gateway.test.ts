import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { instant } from "../../src/base/instants.ts";
import type { PipelineView, RunView, ServiceView } from "../../src/gateway/api/views.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { ScriptedRunner } from "../gateway/scripted-runner.ts";
import { command, GatewayProcess } from "./gateway-process.ts";

const wish = { serviceType: "Mysql", connection: { config: "secret:/shop" }, runnerId: "alpha" };

async function token(directory: string, runnerId = "alpha"): Promise<string> {
  const made = await command([
    "gateway",
    "token",
    "create",
    "--data-directory",
    directory,
    "--runner",
    runnerId,
    "--json",
  ]);
  return (JSON.parse(made.stdout) as { token: string }).token;
}

test("gateway starts on an empty directory, logs JSON lines with its address, and stops at TERM with exit code 0", async () => {
  const directory = join(await temporaryDirectory(), "new");
  const gateway = await GatewayProcess.start(directory);
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  expect(await gateway.ask("GET", "/api/v1/runners")).toEqual({ runners: [] });
  expect(await gateway.end("SIGTERM")).toBe(0);
  const lines = gateway.output
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(lines).toContainEqual(expect.objectContaining({ level: "info", url: gateway.url, dataDirectory: directory }));
  for (const name of await readdir(directory)) {
    expect((await stat(join(directory, name))).mode & 0o077, name).toBe(0);
  }
});

test("gateway ends at INT as well, and tells its runners and live readers", async () => {
  const directory = await temporaryDirectory();
  const gateway = await GatewayProcess.start(directory);
  const runner = await ScriptedRunner.connect(gateway.url, await token(directory), "alpha");
  expect(await gateway.end("SIGINT")).toBe(0);
  await eventually(() => expect(runner.newest("close").body.name).toBe("goingAway"));
});

test("gateway ends at once at a second signal while the first still waits for a request", async () => {
  const directory = await temporaryDirectory();
  const gateway = await GatewayProcess.start(directory);
  const token = (await readFile(join(directory, "admin-token"), "utf8")).trim();
  const socket = connect(Number(new URL(gateway.url).port), "127.0.0.1");
  onTestFinished(() => void socket.destroy());
  socket.on("error", () => undefined);
  const head = `POST /api/v1/services HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: 10`;
  await new Promise((resolve) => socket.write(`${head}\r\n\r\n{`, resolve));
  // Answered only after the unfinished request has been read as far as it goes.
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);
  gateway.child.kill("SIGTERM");
  await eventually(() => expect(gateway.output).toContain("SIGTERM"));
  // A second signal within a second counts as an echo of the first: npm and terminals send both.
  await new Promise((resolve) => setTimeout(resolve, 1200));
  expect(await gateway.end("SIGTERM")).toBe(1);
});

test("gateway killed at any moment has kept everything it acknowledged", async () => {
  const directory = await temporaryDirectory();
  const first = await GatewayProcess.start(directory);
  const runnerToken = await token(directory);
  const runner = await ScriptedRunner.connect(first.url, runnerToken, "alpha");
  const { epoch } = runner.newest("welcome").body;
  const service = await first.ask<ServiceView>("POST", "/api/v1/services", { name: "shop", ...wish });
  const created = await first.ask<PipelineView>("POST", "/api/v1/pipelines", {
    name: "nightly",
    serviceId: service.serviceId,
    pipelineType: "metadata",
    sourceConfig: {},
    botToken: "the-bot-token",
  });
  const pipeline = await first.ask<PipelineView>("POST", `/api/v1/pipelines/${created.pipelineId}/deploy`);
  const { run } = await first.ask<{ run: RunView }>("POST", `/api/v1/pipelines/${created.pipelineId}/run`);
  await eventually(() => runner.newest("run.start"));
  const startedAt = Date.now();
  const report = { runId: run.runId, pipelineId: run.pipelineId, attempt: 1, state: "running", startedAt } as const;
  runner.report(report);
  runner.log(run.runId, 0, "kept\n");
  await eventually(() => expect(runner.newest("ack").body.seq).toBe(2));
  const doomed = await first.ask<ServiceView>("POST", "/api/v1/services", { name: "doomed", ...wish });
  await first.ask("DELETE", `/api/v1/services/${doomed.serviceId}`);
  expect(await first.end("SIGKILL")).toBe("SIGKILL");

  const second = await GatewayProcess.start(directory);
  expect(await second.ask("GET", "/api/v1/services")).toEqual({ services: [service] });
  expect(await second.ask("GET", "/api/v1/pipelines")).toEqual({ pipelines: [pipeline] });
  const kept = await second.ask<RunView>("GET", `/api/v1/runs/${run.runId}`);
  expect(kept).toMatchObject({
    state: "running",
    startedAt: instant(startedAt),
    dispatch: "accepted",
    logBytes: 5,
  });
  expect(await second.ask("GET", `/api/v1/runs/${run.runId}/logs`)).toMatchObject({ text: "kept\n" });
  const again = await ScriptedRunner.connect(second.url, runnerToken, "alpha");
  expect(again.newest("welcome").body.epoch).toBeGreaterThan(epoch);
  expect(again.newest("wanted").body.pipelines).toEqual([
    { pipelineId: pipeline.pipelineId, generation: pipeline.generation, hash: pipeline.hash },
  ]);
  await eventually(() => {
    expect(JSON.stringify(again.newest("pipeline.deploy").body.pipeline.pipelineId)).toContain(pipeline.pipelineId);
  });
});

test("gateway tells three mistakes at once by their names and exits with 2", async () => {
  const variables = { HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS: "soon", HYBRID_RUNNER_GATEWAY_HOTS: "x" };
  const { code, stderr } = await command(["gateway", "--port", "high"], variables);
  expect(code).toBe(2);
  for (const name of ["--port", "HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS", "HYBRID_RUNNER_GATEWAY_HOTS", "next:"]) {
    expect(stderr).toContain(name);
  }
  expect((await command(["gateway", "--prot", "1"])).code).toBe(2);
});

test("gateway that can't use its data directory says which file, and exits with 1", async () => {
  const file = join(await temporaryDirectory(), "file");
  await writeFile(file, "");
  const { code, stderr } = await command(["gateway", "--port", "0", "--data-directory", join(file, "data")]);
  expect(code).toBe(1);
  expect(stderr).toContain("GatewayDirectoryUnusable");
  expect(stderr).toContain(join(file, "data"));
  expect(stderr).toContain("next:");
});

test("gateway that finds its port taken says so and exits with 1", async () => {
  const directory = await temporaryDirectory();
  const running = await GatewayProcess.start(join(directory, "first"));
  const { port } = new URL(running.url);
  const { code, stderr } = await command(["gateway", "--port", port, "--data-directory", join(directory, "second")]);
  expect(code).toBe(1);
  expect(stderr).toContain("ListenFailed");
  expect(stderr).toContain("EADDRINUSE");
});
