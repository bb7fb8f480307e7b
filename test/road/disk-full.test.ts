import { stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "./site.ts";
import { SmallDisk, whyNoMount } from "./small-disk.ts";

/* Real file systems of a few megabytes. Where none can be mounted these tests are skipped, and say why. */

const reason = await whyNoMount();
if (reason !== undefined) process.stderr.write(`disk-full tests skipped: ${reason}\n`);
const LIMIT = 120_000;

const GATED = 'echo started\nwhile [ ! -e "$OUT/gate" ]; do sleep 0.1; done\n';

test.skipIf(reason !== undefined)(
  "a log that fills the runner's disk: the run goes on to its true end, and what is missing is told",
  async () => {
    const site = await Site.open();
    await SmallDisk.mount(site.runnerData(), 4096);
    await site.script("metadata", "head -c 8M /dev/zero | tr '\\0' x | fold -w 99\necho >> \"$OUT/done\"\n");
    const runner = await site.startRunner();
    await site.connected();
    const run = await site.ended(await site.start(await site.deploy("metadata")), 60_000);
    expect(run).toMatchObject({ state: "success", exitCode: 0 });
    expect((run as { proof?: string }).proof).toMatch(/the log lacks \d+ bytes.*(ENOSPC|space)/);
    expect(run.logEnd?.bytes).toBeLessThan(4 * 1_048_576);
    const path = join(site.runnerData(), "runs", run.runId, "output.log");
    expect((await stat(path)).size).toBe(run.logEnd?.bytes);
    await eventually(async () => expect((await site.run(run.runId)).logBytes).toBe(run.logEnd?.bytes), 30_000);
    expect(runner.alive).toBe(true);
  },
  LIMIT,
);

test.skipIf(reason !== undefined)(
  "a full disk at the runner: an order waits, the log names cause and next step, and it runs once there is room",
  async () => {
    const site = await Site.open();
    const disk = await SmallDisk.mount(site.runnerData(), 2048);
    await site.script("metadata", 'echo x >> "$OUT/started"\n');
    await site.script("gated", `${GATED}echo over\n`);
    const runner = await site.startRunner();
    await site.connected();
    const pipelineId = await site.deploy("metadata");
    expect((await site.ended(await site.start(pipelineId))).state).toBe("success");
    const live = await site.start(await site.deploy("gated"));
    await site.until(live, ["running"]);

    await disk.fill();
    const waiting = await site.start(pipelineId);
    await eventually(async () => expect(await runner.log()).toMatch(/ENOSPC.*RunNotStored.*next="Free space/), 20_000);
    await eventually(async () =>
      expect(await site.run(waiting)).toMatchObject({ state: "queued", dispatch: "waiting" }),
    );
    // The one that was live has room reserved for its end.

    await writeFile(join(site.directory, "gate"), "");
    expect((await site.ended(live)).state).toBe("success");
    expect(runner.alive).toBe(true);

    await disk.free();
    expect((await site.ended(waiting, 60_000)).state).toBe("success");
    expect(await site.lines("started")).toHaveLength(2);
  },
  LIMIT,
);

test.skipIf(reason !== undefined)(
  "a full disk at the gateway: nothing is acknowledged that isn't stored, and all of it arrives once there is room",
  async () => {
    let disk: SmallDisk | undefined;
    const site = await Site.open(async ({ gatewayData }) => {
      disk = await SmallDisk.mount(gatewayData, 6144);
    });
    await site.script("metadata", `${GATED}head -c 1500000 /dev/zero | tr '\\0' x | fold -w 99\n`);
    const runner = await site.startRunner();
    await site.connected();
    const runId = await site.start(await site.deploy("metadata"));
    await site.until(runId, ["running"]);

    await disk?.fill();
    await writeFile(join(site.directory, "gate"), "");
    const record = join(site.runnerData(), "runs", runId, "end.json");
    await eventually(() => stat(record), 20_000);
    await eventually(async () => expect(await site.gatewayLog()).toMatch(/StoreUnavailable.*next=/), 30_000);
    await expect(stat(join(site.runnerData(), "runs", runId, "released.json"))).rejects.toThrow("ENOENT");
    expect((await site.run(runId)).logEnd?.bytes ?? -1).not.toBe((await site.run(runId)).logBytes);

    await disk?.free();
    expect((await site.ended(runId, 90_000)).state).toBe("success");
    const log = await eventually(() => site.wholeLog(runId), 60_000);
    expect(log.startsWith("started\nxxx")).toBe(true);
    await eventually(() => stat(join(site.runnerData(), "runs", runId, "released.json")), 20_000);
    expect(runner.alive).toBe(true);
  },
  180_000,
);
