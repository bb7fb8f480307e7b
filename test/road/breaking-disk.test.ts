import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { BreakingDisk, whyNoBreakingDisk } from "./breaking-disk.ts";
import { Site } from "./site.ts";

const reason = await whyNoBreakingDisk();
if (reason !== undefined) process.stderr.write(`breaking-disk tests skipped: ${reason}\n`);

/** Prints until it is let go, and notes elsewhere how far it has come. */
const PRINTING = [
  "i=0",
  'while [ ! -e "$OUT/gate" ]; do i=$((i+1)); head -c 100000 /dev/zero | tr "\\0" x | fold -w 99; echo $i > "$OUT/progress"; sleep 0.05; done',
  "exit 3\n",
].join("\n");

test.skipIf(reason !== undefined)(
  "a disk that breaks under a live run: its program is read on, its true end is told once that can be written, with what the log lacks",
  async () => {
    const site = await Site.open();
    const disk = await BreakingDisk.mount(join(site.runnerData(), "runs"));
    await site.script("metadata", PRINTING);
    const runner = await site.startRunner();
    await site.connected();
    const runId = await site.start(await site.deploy("metadata"));
    await site.until(runId, ["running"]);
    const progress = async (): Promise<number> => Number((await site.lines("progress"))[0] ?? "0");
    await eventually(async () => expect(await progress()).toBeGreaterThan(2), 20_000);
    await disk.breakDown();
    const before = await progress();
    // More than any pipe between the program and its log holds.
    await eventually(async () => expect(await progress()).toBeGreaterThan(before + 20), 20_000);
    expect((await site.run(runId)).state).toBe("running");
    await writeFile(join(site.directory, "gate"), "");
    await disk.replace();
    const run = await site.ended(runId, 60_000);
    expect(run).toMatchObject({ state: "failed", exitCode: 3 });
    expect((run as { proof?: string }).proof).toMatch(/the log lacks \d+ bytes.*(EROFS|read-only)/);
    expect(runner.alive).toBe(true);
  },
  120_000,
);

test.skipIf(reason !== undefined)(
  "a disk that breaks under the gateway: it says so to whoever asks and in its log, and acknowledges nothing that isn't stored",
  async () => {
    let disk: BreakingDisk | undefined;
    const site = await Site.open(async ({ gatewayData }) => {
      disk = await BreakingDisk.mount(gatewayData);
    });
    await site.script("metadata", 'while [ ! -e "$OUT/gate" ]; do sleep 0.1; done\n');
    const runner = await site.startRunner();
    await site.connected();
    const pipelineId = await site.deploy("metadata");
    const runId = await site.start(pipelineId);
    await site.until(runId, ["running"]);
    await disk?.breakDown();
    await expect(site.start(pipelineId)).rejects.toThrow(/ 5\d\d .*StoreUnavailable/i);
    await writeFile(join(site.directory, "gate"), "");
    await eventually(async () => expect(await site.gatewayLog()).toMatch(/StoreUnavailable.*next=/), 30_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect((await site.run(runId)).state).toBe("running");
    expect(runner.alive).toBe(true);
  },
  120_000,
);
