import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";
import { Site } from "./site.ts";

/** LARGE_OUTPUT_MEGABYTES=1024 makes it a gigabyte; by default less, for the sake of small disks. */
const MEGABYTES = Number(process.env["LARGE_OUTPUT_MEGABYTES"] ?? 300);
/** The peak of resident memory that is fair for a runner that passes on what is in a file. */
const RUNNER_PEAK_MEGABYTES = 250;

test(`a program that prints ${MEGABYTES} MB: the whole of it is on site, the runner's memory stays flat`, async () => {
  const site = await Site.open();
  await site.script(
    "metadata",
    `head -c ${MEGABYTES}M /dev/zero | tr '\\0' x | fold -w 99\necho "printed" >> "$OUT/printed"\n`,
  );
  const runner = await site.startRunner();
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  const run = await site.ended(runId, 150_000);
  expect(run).toMatchObject({ state: "success", exitCode: 0 });
  const characters = MEGABYTES * 1_048_576;
  const bytes = characters + Math.floor((characters - 1) / 99);
  expect(run.logEnd?.bytes).toBe(bytes);
  const path = join(site.runnerData(), "runs", runId, "output.log");
  expect((await stat(path)).size).toBe(bytes);
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  expect(hash.digest("hex")).toBe(run.logEnd?.sha256);
  const peak = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${runner.pid}/status`, "utf8"))?.[1];
  expect(Number(peak) / 1024).toBeLessThan(RUNNER_PEAK_MEGABYTES);
  expect(
    (await site.ended(await site.start(await site.deploy("metadata", { timeoutSeconds: 1 })))).failure,
  ).toMatchObject({
    category: "DeadlineExceeded",
  });
}, 240_000);
