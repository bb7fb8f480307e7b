import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { Site } from "./site.ts";

/** Appends a line at its start and its end, so that a second start would show. */
const COUNTED =
  'echo "start $pipelineRunId" >> "$OUT/marks"\nfor i in 1 2 3 4 5 6 7 8 9 10; do echo "line $i"; sleep 0.1; done\necho "end $pipelineRunId" >> "$OUT/marks"\n';

async function marks(site: Site, runId: string): Promise<readonly string[]> {
  return (await site.lines("marks")).filter((line) => line.endsWith(runId)).map((line) => line.split(" ")[0] ?? "");
}

test.each([0, 50, 150, 400, 900, 1400, 2500])(
  "SIGKILL of the runner %i ms after the order: one start, a true end, a whole log",
  async (delayMs) => {
    const site = await Site.open();
    await site.script("metadata", COUNTED);
    const first = await site.startRunner();
    await site.connected();
    const pipelineId = await site.deploy("metadata");
    const runId = await site.start(pipelineId);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await first.end("SIGKILL");
    await site.startRunner();
    const run = await site.ended(runId, 60_000);
    if (run.state === "success") {
      expect(await marks(site, runId)).toEqual(["start", "end"]);
      expect((await site.wholeLog(runId)).trim().split("\n")).toHaveLength(10);
    } else {
      expect(run).toMatchObject({ state: "failed", failure: { category: "Lost" } });
      expect((await marks(site, runId)).filter((mark) => mark === "start").length).toBeLessThanOrEqual(1);
    }
  },
  90_000,
);

test.each([0, 100, 600, 1500])(
  "SIGKILL of the gateway %i ms after the order: the run is neither lost nor started twice",
  async (delayMs) => {
    const site = await Site.open();
    await site.script("metadata", COUNTED);
    await site.startRunner();
    await site.connected();
    const runId = await site.start(await site.deploy("metadata"));
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    await site.killGateway("SIGKILL");
    await site.startGateway();
    const run = await site.ended(runId, 60_000);
    expect(run.state).toBe("success");
    expect(await marks(site, runId)).toEqual(["start", "end"]);
    expect((await site.wholeLog(runId)).trim().split("\n")).toHaveLength(10);
  },
  90_000,
);

test("a supervisor that is killed leaves its run failed as Lost, with no process and no configuration file left", async () => {
  const site = await Site.open();
  const program = 'echo $$ >> "$OUT/pids"; echo "$0" >> "$OUT/files"; echo begun; sleep 300';
  await site.startRunner({
    environment: { INGESTION_COMMAND: JSON.stringify(["/bin/sh", "-c", program, "{config}"]) },
  });
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  await site.until(runId, ["running"]);
  const [file = ""] = await eventually(async () => {
    const files = await site.lines("files");
    expect(files).toHaveLength(1);
    return files;
  });
  expect(JSON.parse(await readFile(file, "utf8"))).toHaveProperty("source");
  const claim = JSON.parse(await readFile(join(site.runnerData(), "runs", runId, "claim.json"), "utf8")) as unknown;
  const supervisor = /"pid":\s*(\d+)/.exec(JSON.stringify(claim))?.[1];
  process.kill(Number(supervisor), "SIGKILL");
  const run = await site.ended(runId, 60_000);
  expect(run).toMatchObject({ state: "failed", failure: { category: "Lost" } });
  const [pid] = await site.lines("pids");
  await eventually(() => expect(() => process.kill(Number(pid), 0)).toThrow("ESRCH"));
  await expect(readFile(file, "utf8")).rejects.toThrow("ENOENT");
});

test("the line cut without FIN right after a dispatch (T01): redelivered within 15 s, started once", async () => {
  const site = await Site.open();
  await site.script("metadata", COUNTED);
  const proxy = await TcpProxy.start(site.port);
  await site.startRunner({ port: proxy.port });
  await site.connected();
  const pipelineId = await site.deploy("metadata");
  await new Promise((resolve) => setTimeout(resolve, 500));
  proxy.swallow();
  const runId = await site.start(pipelineId);
  const run = await site.ended(runId, 60_000);
  expect(run.state).toBe("success");
  expect(await marks(site, runId)).toEqual(["start", "end"]);
});

test("a runner that is told to end leaves its runs alone, exits with 0 and finds them again", async () => {
  const site = await Site.open();
  await site.script("metadata", COUNTED);
  const first = await site.startRunner();
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  await site.until(runId, ["running"]);
  expect(await first.end("SIGTERM")).toBe(0);
  await site.startRunner();
  expect((await site.ended(runId)).state).toBe("success");
  expect(await marks(site, runId)).toEqual(["start", "end"]);
});

test("a gateway with an empty database deletes nothing and calls the runner's pipelines orphans", async () => {
  const site = await Site.open();
  await site.script("metadata", "echo x\n");
  const runner = await site.startRunner();
  await site.connected();
  const pipelineId = await site.deploy("metadata");
  const stored = () => readdir(join(site.runnerData(), "pipelines"));
  await eventually(async () => expect(await stored()).toEqual([`${pipelineId}.json`]));
  await runner.end("SIGTERM");
  await site.killGateway("SIGTERM");
  await site.startEmptyGateway();
  await site.startRunner();
  await site.connected();
  await eventually(async () => {
    const view = await site.api<{ orphans: readonly { pipelineId: string }[] }>("GET", "/runners/test-runner");
    expect(view.orphans.map((orphan) => orphan.pipelineId)).toEqual([pipelineId]);
  });
  expect(await stored()).toEqual([`${pipelineId}.json`]);
});
