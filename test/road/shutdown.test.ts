import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { type RunnerProcess, Site } from "./site.ts";

/** Runs until the file `release` exists, and leaves a line at its start and its end. */
const UNTIL_RELEASED =
  'echo "start $pipelineRunId" >> "$OUT/marks"\nwhile [ ! -e "$OUT/release" ]; do sleep 0.2; done\necho "end $pipelineRunId" >> "$OUT/marks"\n';

/** A runner that has told a state which a hanging gateway doesn't acknowledge: its shutdown takes some seconds. */
async function unacknowledged(): Promise<{ site: Site; runner: RunnerProcess; runId: string }> {
  const site = await Site.open();
  await site.script("metadata", UNTIL_RELEASED);
  const runner = await site.startRunner();
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  await site.until(runId, ["running"]);
  site.signalGateway("SIGSTOP");
  await writeFile(join(site.directory, "release"), "");
  await eventually(async () => expect(await site.lines("marks")).toHaveLength(2));
  // The end is seen and told by the runner within this time.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  return { site, runner, runId };
}

test("TERM with 20 live runs (T54): nothing new is taken, it exits, all runs live on and are found again", async () => {
  const site = await Site.open();
  const environment = { MAX_CONCURRENT_RUNS: "30" };
  await site.script("metadata", UNTIL_RELEASED);
  const first = await site.startRunner({ environment });
  await site.connected();
  const pipelines = await Promise.all(Array.from({ length: 21 }, () => site.deploy("metadata")));
  const [extra = "", ...others] = pipelines;
  const runIds = await Promise.all(others.map((pipelineId) => site.start(pipelineId)));
  for (const runId of runIds) await site.until(runId, ["running"], 60_000);
  await eventually(async () => expect(await site.lines("marks")).toHaveLength(20), 60_000);

  first.signal("SIGTERM");
  const late = await site.start(extra);
  expect(await first.exited()).toBe(0);
  expect(await first.log()).toContain("Runner stops");
  expect((await site.run(late)).state).toBe("queued");
  expect(await site.lines("marks")).toHaveLength(20);
  for (const runId of runIds) expect((await site.run(runId)).state).toBe("running");

  await site.startRunner({ environment });
  await site.until(late, ["running"], 60_000);
  await writeFile(join(site.directory, "release"), "");
  for (const runId of [...runIds, late]) expect((await site.ended(runId, 60_000)).state).toBe("success");
  const marks = await site.lines("marks");
  expect(new Set(marks)).toEqual(new Set([...runIds, late].flatMap((runId) => [`start ${runId}`, `end ${runId}`])));
  expect(marks).toHaveLength(42);
});

test("TERM while the gateway hangs: it exits all the same, and the result that waited arrives later", async () => {
  const { site, runner, runId } = await unacknowledged();
  expect(await runner.end("SIGTERM")).toBe(0);
  expect(await runner.log()).toContain("states not yet acknowledged");
  site.signalGateway("SIGCONT");
  await site.startRunner();
  expect((await site.ended(runId)).state).toBe("success");
  expect(await site.lines("marks")).toHaveLength(2);
});

test("TERM while the gateway is away: it exits all the same, and the result that waited arrives later", async () => {
  const site = await Site.open();
  await site.script("metadata", UNTIL_RELEASED);
  const runner = await site.startRunner();
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  await site.until(runId, ["running"]);
  await site.killGateway("SIGKILL");
  await writeFile(join(site.directory, "release"), "");
  await eventually(async () => expect(await site.lines("marks")).toHaveLength(2));
  expect(await runner.end("SIGTERM")).toBe(0);
  await site.startGateway();
  await site.startRunner();
  expect((await site.ended(runId)).state).toBe("success");
});

test("a second signal ends the runner at once, but not the echo of the first", async () => {
  const { site, runner } = await unacknowledged();
  runner.signal("SIGTERM");
  await new Promise((resolve) => setTimeout(resolve, 200));
  runner.signal("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(runner.alive).toBe(true);
  // It didn't wait for the gateway to the end of its limit: that would be exit code 0, as above.
  expect(await runner.end("SIGTERM")).toBe(1);
  site.signalGateway("SIGCONT");
});

test("HUP ends the runner in good order, as TERM does", async () => {
  const site = await Site.open();
  const runner = await site.startRunner();
  await site.connected();
  expect(await runner.end("SIGHUP")).toBe(0);
  await eventually(async () => {
    expect((await site.api<{ status: string }>("GET", "/runners/test-runner")).status).toBe("Disconnected");
  });
});

test("TERM ends the gateway although a runner is connected, and the runner stays", async () => {
  const site = await Site.open();
  const runner = await site.startRunner();
  await site.connected();
  await site.killGateway("SIGTERM");
  await site.startGateway();
  await site.connected();
  expect(runner.alive).toBe(true);
});
