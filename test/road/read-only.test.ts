import { execFile } from "node:child_process";
import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "./site.ts";
import { SmallDisk, whyNoMount } from "./small-disk.ts";

const reason = await whyNoMount();
if (reason !== undefined) process.stderr.write(`read-only tests skipped: ${reason}\n`);
const run = promisify(execFile);

test.skipIf(reason !== undefined)(
  "runs gone read-only: an order waits, the log names cause and next step, and it runs when that is over",
  async () => {
    const site = await Site.open();
    const disk = await SmallDisk.mount(join(site.runnerData(), "runs"), 4096);
    await site.script("metadata", 'echo x >> "$OUT/started"\n');
    const runner = await site.startRunner();
    await site.connected();
    const pipelineId = await site.deploy("metadata");
    expect((await site.ended(await site.start(pipelineId))).state).toBe("success");

    await eventually(() => disk.setReadOnly(true), 20_000);
    const waiting = await site.start(pipelineId);
    await eventually(async () =>
      expect(await runner.log()).toMatch(/EROFS.*RunNotStored.*next="The file system is read-only/),
    );
    // Between two tries it is offered again for a moment.
    await eventually(async () =>
      expect(await site.run(waiting)).toMatchObject({ state: "queued", dispatch: "waiting" }),
    );

    await disk.setReadOnly(false);
    expect((await site.ended(waiting, 60_000)).state).toBe("success");
    expect(await site.lines("started")).toHaveLength(2);
    expect(runner.alive).toBe(true);
  },
  120_000,
);

test.skipIf(reason !== undefined)(
  "a live run's directory can't be written any more: it stays running, and its true end is told later",
  async () => {
    const site = await Site.open();
    await SmallDisk.mount(site.runnerData(), 4096);
    await site.script("metadata", 'echo started\nwhile [ ! -e "$OUT/gate" ]; do sleep 0.1; done\nexit 3\n');
    const runner = await site.startRunner();
    await site.connected();
    const runId = await site.start(await site.deploy("metadata"));
    await site.until(runId, ["running"]);
    const directory = join(site.runnerData(), "runs", runId);
    const immutable = (on: boolean): Promise<unknown> => run("chattr", [on ? "+i" : "-i", directory]);
    onTestFinished(async () => void (await immutable(false).catch(() => undefined)));
    await immutable(true);
    await writeFile(join(site.directory, "gate"), "");
    await new Promise((resolve) => setTimeout(resolve, 4000));
    await expect(stat(join(directory, "end.json"))).rejects.toThrow("ENOENT");
    expect((await site.run(runId)).state).toBe("running");
    await immutable(false);
    expect(await site.ended(runId, 60_000)).toMatchObject({ state: "failed", exitCode: 3 });
    expect(runner.alive).toBe(true);
  },
  120_000,
);

test.skipIf(reason !== undefined)("a runner on a read-only data directory refuses to start and says why", async () => {
  const site = await Site.open();
  const disk = await SmallDisk.mount(site.runnerData(), 1024);
  await disk.setReadOnly(true);
  const runner = await site.startRunner();
  await eventually(() => expect(runner.alive).toBe(false), 20_000);
  expect(await runner.end()).toBe(1);
  const log = await runner.log();
  expect(log).toContain("DataDirectoryUnwritable");
  expect(log).toMatch(/EROFS/);
  expect(log).toMatch(/next: The file system is read-only: mount it writable/);
});
