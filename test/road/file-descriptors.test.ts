import { execFile } from "node:child_process";
import { readdir, stat, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "./site.ts";

const run = promisify(execFile);
const canLimit = await run("prlimit", ["--version"]).then(
  () => true,
  () => false,
);
if (!canLimit) process.stderr.write("a test of file descriptors is skipped: there is no prlimit\n");

test("a runner with 64 file descriptors takes twelve runs at once, and each ends as its program did", async () => {
  const site = await Site.open();
  await site.script("metadata", 'echo "$pipelineRunId" >> "$OUT/started"\nsleep 0.5\necho done\n');
  const runner = await site.startRunner({
    through: ["/bin/sh", "-c", 'ulimit -n 64; exec "$0" "$@"'],
    environment: { MAX_CONCURRENT_RUNS: "12" },
  });
  await site.connected();
  const pipelines: string[] = [];
  for (let i = 0; i < 12; i++) pipelines.push(await site.deploy("metadata"));
  const runs = await Promise.all(pipelines.map((pipelineId) => site.start(pipelineId)));
  for (const runId of runs) expect((await site.ended(runId, 90_000)).state).toBe("success");
  expect([...(await site.lines("started"))].sort()).toEqual([...runs].sort());
  expect(runner.alive).toBe(true);
});

test.skipIf(!canLimit)(
  "no file descriptor left: nothing is taken for dead, an order waits, and all goes on when there are some again",
  async () => {
    const site = await Site.open();
    await site.script("metadata", 'echo "$pipelineRunId" >> "$OUT/started"\n');
    await site.script("gated", 'echo $$ >> "$OUT/pids"\nwhile [ ! -e "$OUT/gate" ]; do sleep 0.1; done\necho over\n');
    const runner = await site.startRunner();
    await site.connected();
    const pipelineId = await site.deploy("metadata");
    const live = await site.start(await site.deploy("gated"));
    await site.until(live, ["running"]);
    const before = await site.start(pipelineId);
    expect((await site.ended(before)).state).toBe("success");

    const limit = (count: number): Promise<unknown> =>
      run("prlimit", ["--pid", String(runner.pid), `--nofile=${count}:1024`]);
    const inUse = (await readdir(`/proc/${runner.pid}/fd`)).length;
    await limit(Math.max(1, inUse - 4));
    const waiting = await site.start(pipelineId);
    await eventually(async () => expect(await runner.log()).toMatch(/EMFILE/), 20_000);
    await new Promise((resolve) => setTimeout(resolve, 4000));
    const [pid = ""] = await site.lines("pids");
    expect(process.kill(Number(pid), 0)).toBe(true);
    expect((await site.run(live)).state).toBe("running");
    expect((await site.run(waiting)).state).toBe("queued");
    expect(runner.alive).toBe(true);

    await limit(1024);
    expect((await site.ended(waiting, 60_000)).state).toBe("success");
    expect((await site.run(live)).state).toBe("running");

    await writeFile(`${site.directory}/gate`, "");
    expect((await site.ended(live)).state).toBe("success");
    expect(await site.lines("started")).toHaveLength(2);
    const log = await runner.log();
    expect(log).toMatch(/can't be looked at for now.*EMFILE.*next="Raise the limit of open files/);
    // One line a minute and run, not one at every look.
    expect(log.match(/can't be looked at/g)?.length).toBeLessThan(4);
    const released = `${site.runnerData()}/runs/${before}/released.json`;
    await eventually(() => stat(released), 40_000);
  },
  150_000,
);
