import { join } from "node:path";
import { expect, test } from "vitest";
import { DATABASE_FILE } from "../../src/gateway/data-directory.ts";
import type { PipelineRecord, RunRecord } from "../../src/gateway/store/store.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { damageCopies } from "./store/damage.ts";
import { TestGateway } from "./test-gateway.ts";

const TABLES = {
  runner: "runner_id",
  runner_token: "token_id",
  service: "service_id",
  pipeline: "pipeline_id",
  run: "run_id",
} as const;

/** All entries of a listing, page by page. */
async function all<T>(gateway: TestGateway, path: string, name: string, cursor: string): Promise<readonly T[]> {
  const found: T[] = [];
  for (let next: string | undefined = ""; next !== undefined; ) {
    const from: string =
      next === "" ? "" : `&${cursor === "nextAfter" ? "after" : "before"}=${encodeURIComponent(next)}`;
    const page: Record<string, unknown> = await gateway.ask("GET", `${path}?limit=7${from}`);
    found.push(...(page[name] as T[]));
    next = page[cursor] as string | undefined;
  }
  return found;
}

test("damaged rows cost themselves only: the gateway starts, everything else is listed, changed and run", async () => {
  const directory = await temporaryDirectory();
  const before = await TestGateway.start([], directory);
  const sound = await before.deployed();
  const alpha = await before.runner("alpha");
  const { runId } = await before.startRun(sound.pipelineId);
  await eventually(() => alpha.newest("run.start"));
  alpha.report({ runId, pipelineId: sound.pipelineId, attempt: 1, state: "success", endedAt: 5, proof: "exit code 0" });
  alpha.log(runId, 0, "whole\n");
  await eventually(async () => expect((await before.run(runId)).logBytes).toBe(6));
  const others = await before.service("others", { runnerId: "beta" });
  const wish = { name: "metadata", serviceId: others.serviceId, pipelineType: "metadata", sourceConfig: {} };
  const beta = await before.ask<PipelineRecord>("POST", "/api/v1/pipelines", wish);
  await before.ask("POST", `/api/v1/pipelines/${beta.pipelineId}/deploy`);
  await before.gateway.close();

  const damaged = damageCopies(join(directory, DATABASE_FILE), TABLES);
  for (const table of Object.keys(TABLES))
    expect(damaged.filter((row) => row.table === table).length).toBeGreaterThan(10);

  const gateway = await TestGateway.start([], directory);
  const pipelines = await all<PipelineRecord>(gateway, "/api/v1/pipelines", "pipelines", "nextAfter");
  expect(pipelines.map((one) => one.pipelineId)).toEqual(expect.arrayContaining([sound.pipelineId, beta.pipelineId]));
  const runs = await all<RunRecord>(gateway, "/api/v1/runs", "runs", "nextBefore");
  expect(runs.find((one) => one.runId === runId)).toMatchObject({ state: "success", logBytes: 6 });
  expect(await all(gateway, "/api/v1/services", "services", "nextAfter")).toEqual(
    expect.arrayContaining([expect.objectContaining({ serviceId: others.serviceId })]),
  );
  const { runners } = await gateway.ask<{ runners: { runnerId: string }[] }>("GET", "/api/v1/runners");
  expect(runners.map((one) => one.runnerId)).toContain("alpha");
  const { tokens } = await gateway.ask<{ tokens: unknown[] }>("GET", "/api/v1/tokens");
  expect(tokens.length).toBeGreaterThan(0);

  // Each is told once, by its kind and id and column, without what it holds.
  const told = gateway.logLines.filter((line) => line.includes("can't be read and is left out"));
  expect(new Set(told.map((line) => line.replace(/^\S+ /, ""))).size).toBe(told.length);
  expect(told.some((line) => line.includes("Cannot read pipeline") && line.includes("generation"))).toBe(true);
  expect(told.join("\n")).not.toContain('{"bytes":');
  const unreadable = damaged.find(
    (row) => row.table === "pipeline" && row.column === "generation" && row.value === 2n ** 53n,
  );
  expect(await gateway.call("GET", `/api/v1/pipelines/${String(unreadable?.id)}`)).toMatchObject({
    status: 500,
    body: { code: "RecordUnreadable" },
  });

  for (const [runnerId, { pipelineId }] of [["beta", beta] as const, ["alpha", sound] as const]) {
    const runner = await gateway.runner(runnerId);
    await gateway.ask("POST", `/api/v1/pipelines/${pipelineId}/toggle`, { enabled: false });
    await eventually(() => {
      const deploys = runner.frames.filter((frame) => frame.type === "pipeline.deploy");
      expect(
        deploys.some(
          ({ body }) => "pipeline" in body && body.pipeline.pipelineId === pipelineId && !body.pipeline.enabled,
        ),
      ).toBe(true);
    });
    const run = await gateway.startRun(pipelineId);
    await eventually(async () => expect((await gateway.run(run.runId)).dispatch).toBe("accepted"));
    runner.report({ runId: run.runId, pipelineId, attempt: 1, state: "success", endedAt: 9, proof: "exit code 0" });
    await eventually(async () => expect((await gateway.run(run.runId)).state).toBe("success"));
  }
});
