import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { RunView } from "../../../src/gateway/api/views.ts";
import { eventually } from "../../fakes/eventually.ts";
import type { ScriptedRunner } from "../scripted-runner.ts";
import { TestGateway } from "../test-gateway.ts";

interface LogPage {
  readonly text: string;
  readonly nextOffset: number;
  readonly complete: boolean;
  readonly verified: boolean;
  readonly gaps: readonly (readonly number[])[];
}

const bytes = (text: string): number => new TextEncoder().encode(text).length;
const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** A run that its runner has accepted. */
async function acceptedRun(): Promise<{ gateway: TestGateway; runner: ScriptedRunner; run: RunView }> {
  const gateway = await TestGateway.start();
  const runner = await gateway.runner();
  const { pipelineId } = await gateway.deployed();
  const run = await gateway.startRun(pipelineId);
  await eventually(() => expect(runner.newest("run.start").body.runId).toBe(run.runId));
  return { gateway, runner, run };
}

test("runs are listed newest first, by pages and by conditions", async () => {
  const gateway = await TestGateway.start();
  const [first, second] = [await gateway.deployed(), await gateway.deployed()];
  const ids: string[] = [];
  for (const { pipelineId } of [first, first, second]) ids.unshift((await gateway.startRun(pipelineId)).runId);
  const list = (query: string): Promise<{ runs: RunView[]; nextBefore?: string }> =>
    gateway.ask("GET", `/api/v1/runs${query}`);
  const idsOf = async (query: string): Promise<string[]> => (await list(query)).runs.map(({ runId }) => runId);
  expect(await idsOf("")).toEqual(ids);
  const page = await list("?limit=2");
  expect(page.runs.map(({ runId }) => runId)).toEqual(ids.slice(0, 2));
  expect(page.nextBefore).toBe(ids[1]);
  expect(await idsOf(`?limit=2&before=${page.nextBefore}`)).toEqual(ids.slice(2));
  expect(await idsOf(`?pipelineId=${first.pipelineId}`)).toEqual(ids.slice(1));
  expect(await idsOf("?runnerId=alpha&state=queued&state=running")).toEqual(ids);
  expect(await idsOf("?runnerId=beta")).toEqual([]);
  expect(await idsOf("?state=success")).toEqual([]);
  for (const query of ["?limit=0", "?limit=501", "?limit=x", "?state=done", "?before=1", "?pipeline=1"]) {
    expect((await gateway.call("GET", `/api/v1/runs${query}`)).status, query).toBe(400);
  }
});

test("runs that don't exist are not found by any route", async () => {
  const gateway = await TestGateway.start();
  for (const id of [crypto.randomUUID(), "nonsense", "%00", "%2e%2e%2f"]) {
    for (const [method, rest] of [
      ["GET", ""],
      ["POST", "/stop"],
      ["GET", "/logs"],
      ["GET", "/events"],
    ] as const) {
      const answer = await gateway.call(method, `/api/v1/runs/${id}${rest}`);
      expect([answer.status, answer.body.code], `${id}${rest}`).toEqual([404, "NotFound"]);
    }
  }
});

test("runs stop: the wish is kept and told to the runner; a run that has ended stays as it is", async () => {
  const { gateway, runner, run } = await acceptedRun();
  const { runId, pipelineId } = run;
  runner.report({ runId, pipelineId, attempt: 1, state: "running" });
  const answer = await gateway.call<{ run: RunView }>("POST", `/api/v1/runs/${runId}/stop`);
  expect([answer.status, answer.body.run.stopRequested]).toEqual([202, true]);
  await eventually(() => expect(runner.newest("run.stop").body.runId).toBe(runId));
  runner.report({ runId, pipelineId, attempt: 1, state: "stopped", endedAt: 5 });
  await eventually(async () => expect((await gateway.run(runId)).state).toBe("stopped"));
  const again = await gateway.call<{ run: RunView }>("POST", `/api/v1/runs/${runId}/stop`);
  expect([again.status, again.body.run.state]).toEqual([202, "stopped"]);
  const other = await gateway.startRun(pipelineId);
  await eventually(() => expect(runner.newest("run.start").body.runId).toBe(other.runId));
  runner.report({ runId: other.runId, pipelineId, attempt: 1, state: "stopped", endedAt: 6 });
  await eventually(async () => expect((await gateway.run(other.runId)).state).toBe("stopped"));
  const ended = await gateway.run(other.runId);
  const late = await gateway.call<{ run: RunView }>("POST", `/api/v1/runs/${other.runId}/stop`);
  expect([late.status, late.body.run]).toEqual([202, ended]);
  expect(ended.stopRequested).toBe(false);
});

test("logs come in pages by byte offset, never with half a character", async () => {
  const { gateway, runner, run } = await acceptedRun();
  const text = "first line\nzweite Zeile: äöü €\n三行目 🙂\n";
  runner.log(run.runId, 0, text);
  const read = (after: number, limit: number): Promise<LogPage> =>
    gateway.ask("GET", `/api/v1/runs/${run.runId}/logs?after=${after}&limit=${limit}`);
  await eventually(async () => expect((await read(0, 1000)).text).toBe(text));
  let together = "";
  let offset = 0;
  for (let page = await read(0, 7); page.nextOffset > offset; page = await read(offset, 7)) {
    expect(page.nextOffset - offset).toBe(bytes(page.text));
    together += page.text;
    offset = page.nextOffset;
  }
  expect(together).toBe(text);
  expect(await read(10_000, 7)).toMatchObject({ text: "", complete: false, verified: false });
  for (const query of ["after=-1", "after=x", "limit=0", "limit=2000000", "offset=1"]) {
    expect((await gateway.call("GET", `/api/v1/runs/${run.runId}/logs?${query}`)).status, query).toBe(400);
  }
});

test("an empty log is whole where the run was stopped before its runner had it", async () => {
  const gateway = await TestGateway.start();
  const { pipelineId } = await gateway.deployed();
  const { runId } = await gateway.startRun(pipelineId);
  const read = (): Promise<LogPage> => gateway.ask("GET", `/api/v1/runs/${runId}/logs`);
  expect(await read()).toMatchObject({ complete: false, verified: false });
  await gateway.ask("POST", `/api/v1/runs/${runId}/stop`);
  await eventually(async () => expect((await gateway.run(runId)).state).toBe("stopped"));
  expect(await read()).toMatchObject({ text: "", complete: true, verified: true });
});

test("a log that differed when somebody looked, and came again, is verified then", async () => {
  const { gateway, runner, run } = await acceptedRun();
  const { runId } = run;
  const read = (): Promise<LogPage> => gateway.ask("GET", `/api/v1/runs/${runId}/logs`);
  await gateway.store.appendLog(runId, 0, "wrong");
  await gateway.store.takeReport(
    runner.runnerId,
    {
      runId,
      pipelineId: run.pipelineId,
      attempt: 1,
      state: "success",
      endedAt: Date.now(),
      proof: "exit code 0",
      log: { bytes: 5, sha256: sha256("right") },
    },
    Date.now(),
  );
  expect(await read()).toMatchObject({ text: "wrong", complete: true, verified: false });
  await gateway.store.restartLog(runId);
  expect(await read()).toMatchObject({ text: "", complete: false, verified: false });
  await gateway.store.appendLog(runId, 0, "right");
  expect(await read()).toMatchObject({ text: "right", complete: true, verified: true });
});

test("logs are complete when the run has ended and all bytes are here, and verified when they are the right ones", async () => {
  const { gateway, runner, run } = await acceptedRun();
  const { runId, pipelineId } = run;
  const log = { bytes: 10, sha256: sha256("one\ntwo\nx\n") };
  const read = (): Promise<LogPage> => gateway.ask("GET", `/api/v1/runs/${runId}/logs`);
  const middle = runner.log(runId, 0, "one\n");
  await eventually(async () => expect(await read()).toMatchObject({ text: "one\n", complete: false, verified: false }));
  runner.report({
    runId,
    pipelineId,
    attempt: 1,
    state: "success",
    proof: "exit code 0",
    endedAt: 9,
    exitCode: 0,
    log,
  });
  await eventually(async () => expect((await gateway.run(runId)).state).toBe("success"));
  expect(await read()).toMatchObject({ complete: false, verified: false });
  runner.log(runId, middle, "two\nx\n");
  await eventually(async () => expect(await read()).toMatchObject({ complete: true, verified: true, gaps: [] }));
});

test("logs of the right length with other text are asked for once more, and then complete and not verified", async () => {
  const { gateway, runner, run } = await acceptedRun();
  const { runId, pipelineId } = run;
  const log = { bytes: 7, sha256: sha256("honest\n") };
  const forge = (line: ScriptedRunner): void => {
    line.log(runId, 0, "forged\n");
    line.report({ runId, pipelineId, attempt: 1, state: "success", proof: "exit code 0", log });
  };
  const read = (): Promise<LogPage> => gateway.ask("GET", `/api/v1/runs/${runId}/logs`);
  forge(runner);
  await eventually(async () => expect((await gateway.run(runId)).state).toBe("success"));
  await eventually(async () => expect(await read()).toMatchObject({ text: "", complete: false, verified: false }));
  forge(await gateway.runner());
  await eventually(async () => {
    expect(await read()).toMatchObject({ text: "forged\n", complete: true, verified: false });
  });
});

test("runs are listed without what is long of their failures, which the run itself has", async () => {
  const { gateway, runner, run } = await acceptedRun();
  const { runId, pipelineId } = run;
  const failure = {
    category: "ExitCode" as const,
    summary: "it failed",
    detail: "d",
    advice: "look",
    logTail: ["last"],
  };
  runner.report({ runId, pipelineId, attempt: 1, state: "failed", failure: { ...failure, events: ["event"] } });
  await eventually(async () => expect((await gateway.run(runId)).state).toBe("failed"));
  expect((await gateway.run(runId)).failure).toEqual({ ...failure, events: ["event"] });
  const listed = await gateway.call<{ runs: RunView[] }>("GET", "/api/v1/runs");
  const { logTail: _, ...rest } = failure;
  expect(listed.body.runs.map((one) => one.failure)).toEqual([rest]);
});
