import { execFile } from "node:child_process";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { type BenchContext, type Figure, type Measurement, repetitions } from "./figure.ts";
import { CLEAN_ENVIRONMENT, end, memoryOf, startOwned, timeToExit } from "./processes.ts";

const REST_MS = 1000;
const FLOOD_MS = 4000;
const LOOK_EVERY_MS = 100;

/** What the wrapper adds to each run: time before the program starts, and memory while it lives. */
export const wrapper: Measurement = {
  name: "wrapper",
  async measure(bench) {
    const directory = join(bench.directory, "wrapper");
    await mkdir(join(directory, "secrets"), { recursive: true });
    await writeFile(join(directory, "secrets", "password"), "a-password-of-the-bench");
    return [
      await startTime(bench, directory),
      await dirtyMemory(bench, directory, "wrapper at rest: Private_Dirty", 25, ["/bin/sleep", "60"], REST_MS),
      await dirtyMemory(bench, directory, "wrapper, program floods: Private_Dirty", 60, FLOOD, FLOOD_MS),
    ];
  },
};

/** A program that prints lines of a hundred bytes as fast as it can. */
const FLOOD = [
  "/usr/bin/yes",
  "2026-01-01 12:00:00 INFO  ingestion  Processed table shop.public.orders, 1200 rows, 7 columns, ok",
];

function environment(directory: string): Record<string, string> {
  return {
    ...CLEAN_ENVIRONMENT,
    SECRETS_MANAGER: "file",
    SECRETS_DIRECTORY: join(directory, "secrets"),
    config: JSON.stringify({ source: { serviceConnection: { config: { password: "secret:/password" } } } }),
  };
}

async function startTime(bench: BenchContext, directory: string): Promise<Figure> {
  const fifo = join(directory, "started");
  await promisify(execFile)("mkfifo", [fifo]);
  const samples: number[] = [];
  const baseline: number[] = [];
  for (let count = repetitions(25, bench.scale); count > 0; count--) {
    baseline.push(await timeToExit([bench.empty]));
    const opened = open(fifo, "r");
    const since = performance.now();
    const args = ["exec", "--", "/bin/sh", "-c", `echo > ${fifo}`];
    const child = startOwned([bench.executable, ...args], environment(directory));
    // A pipe of the file system opens when its other end is opened, which is the first thing that the program does.
    const handle = await opened;
    samples.push(performance.now() - since);
    await handle.close();
    await end(child, "SIGTERM");
  }
  return {
    name: "wrapper: exec to the program's start",
    unit: "ms",
    samples,
    target: { atMost: 120 },
    baseline: { name: "empty executable to its exit", samples: baseline },
  };
}

/** The most that was seen in each repetition. */
async function dirtyMemory(
  bench: BenchContext,
  directory: string,
  name: string,
  limit: number,
  command: readonly string[],
  lengthMs: number,
): Promise<Figure> {
  const samples: number[] = [];
  const baseline: number[] = [];
  for (let count = repetitions(5, bench.scale, 2); count > 0; count--) {
    const empty = startOwned([bench.empty, "idle"], CLEAN_ENVIRONMENT);
    const child = startOwned([bench.executable, "exec", "--", ...command], environment(directory));
    await sleep(REST_MS);
    let most = 0;
    for (let waited = REST_MS; waited <= lengthMs; waited += LOOK_EVERY_MS) {
      most = Math.max(most, (await memoryOf(child.pid ?? 0)).privateDirty);
      await sleep(LOOK_EVERY_MS);
    }
    samples.push(most);
    baseline.push((await memoryOf(empty.pid ?? 0)).privateDirty);
    await end(empty);
    await end(child, "SIGTERM");
  }
  return {
    name,
    unit: "MB",
    samples,
    target: { atMost: limit },
    baseline: { name: "empty executable", samples: baseline },
  };
}
