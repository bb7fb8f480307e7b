import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "./site.ts";

async function openSite(script: string): Promise<Site> {
  const site = await Site.open();
  await site.script("metadata", script);
  await site.startRunner();
  await site.connected();
  return site;
}

/** Processes alive under these ids. */
function alive(pids: readonly string[]): string[] {
  return pids.filter((pid) => {
    try {
      return process.kill(Number(pid), 0);
    } catch {
      return false;
    }
  });
}

const HEAVY = 'echo $$ >> "$OUT/pids"\ntrap "" TERM\necho started\nwhile :; do sleep 0.1; done\n';

test("a program that ignores TERM is killed after the grace and the run is stopped", async () => {
  const site = await openSite(HEAVY);
  const runId = await site.start(await site.deploy("metadata"));
  await site.until(runId, ["running"]);
  await eventually(async () => expect(await site.lines("pids")).toHaveLength(1));
  await site.api("POST", `/runs/${runId}/stop`);
  expect((await site.ended(runId)).state).toBe("stopped");
  await eventually(async () => expect(alive(await site.lines("pids"))).toEqual([]));
});

test("a daemon that left its group is ended with the run", async () => {
  const daemon =
    '(trap "" HUP; setsid sh -c \'echo $$ >> "$OUT/pids"; while :; do sleep 0.2; done\' >/dev/null 2>&1 &) \nsleep 0.5\necho done\n';
  const site = await openSite(daemon);
  const runId = await site.start(await site.deploy("metadata"));
  expect((await site.ended(runId)).state).toBe("success");
  const pids = await site.lines("pids");
  expect(pids).toHaveLength(1);
  await eventually(() => expect(alive(pids)).toEqual([]));
});

test("a program that is killed fails as Killed, never success", async () => {
  const site = await openSite("echo one\nkill -9 $$\n");
  const run = await site.ended(await site.start(await site.deploy("metadata")));
  expect(run).toMatchObject({ state: "failed", failure: { category: "Killed", logTail: ["one"] } });
  expect(run.failure?.summary).toContain("SIGKILL");
});

test("a timeout ends the program and says so", async () => {
  const site = await openSite(HEAVY);
  const run = await site.ended(await site.start(await site.deploy("metadata", { timeoutSeconds: 1 })));
  expect(run).toMatchObject({ state: "failed", failure: { category: "DeadlineExceeded" } });
  await eventually(async () => expect(alive(await site.lines("pids"))).toEqual([]));
});

test("stopping a pipeline stops all its runs, deleting it too, and a deleted pipeline starts nothing", async () => {
  const site = await openSite(HEAVY);
  const pipelineId = await site.deploy("metadata");
  const runs = [await site.start(pipelineId), await site.start(pipelineId)];
  await site.until(runs[0] ?? "", ["running"]);
  expect((await site.run(runs[1] ?? "")).dispatch).toBe("waiting");
  await site.api("POST", `/pipelines/${pipelineId}/stop`);
  for (const runId of runs) expect((await site.ended(runId)).state).toBe("stopped");
  const third = await site.start(pipelineId);
  await site.until(third, ["running"]);
  await site.api("DELETE", `/pipelines/${pipelineId}`);
  expect((await site.ended(third)).state).toBe("stopped");
  await expect(site.start(pipelineId)).rejects.toThrow(/404|409|410/);
  await eventually(async () => expect(alive(await site.lines("pids"))).toEqual([]));
});

test("more runs than places wait queued and all run in the end", async () => {
  const site = await Site.open();
  await site.script("metadata", 'echo "$pipelineRunId" >> "$OUT/started"\nsleep 0.3\n');
  await site.startRunner({ environment: { MAX_CONCURRENT_RUNS: "2" } });
  await site.connected();
  const runs: string[] = [];
  for (let i = 0; i < 6; i++) runs.push(await site.start(await site.deploy("metadata")));
  for (const runId of runs) expect((await site.ended(runId, 60_000)).state).toBe("success");
  expect([...(await site.lines("started"))].sort()).toEqual([...runs].sort());
});

test("a program that doesn't exist fails as StartFailed", async () => {
  const site = await Site.open();
  await site.startRunner({ environment: { INGESTION_COMMAND: '["/no/such/program"]' } });
  await site.connected();
  const run = await site.ended(await site.start(await site.deploy("metadata")));
  expect(run).toMatchObject({ state: "failed", failure: { category: "StartFailed" } });
  expect(JSON.stringify(run.failure)).toContain("/no/such/program");
});
