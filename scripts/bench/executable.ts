import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type BenchContext, type Figure, type Measurement, repetitions } from "./figure.ts";
import { CLEAN_ENVIRONMENT, end, type Memory, memoryOf, startOwned, timeToExit } from "./processes.ts";
import { Site } from "./site.ts";

/** From the last thing that happened to the look at the memory of an idle process. */
const REST_MS = 3000;

/** How fast the runner is there, and what it costs to have it there. */
export const executable: Measurement = {
  name: "executable",
  async measure(bench) {
    const site = await Site.open(bench.executable, join(bench.directory, "executable"));
    try {
      return [await startTime(bench, site), ...(await idleMemory(bench, site))];
    } finally {
      await site.close();
    }
  },
};

async function startTime(bench: BenchContext, site: Site): Promise<Figure> {
  const samples: number[] = [];
  const baseline: number[] = [];
  for (let count = repetitions(25, bench.scale); count > 0; count--) {
    baseline.push(await timeToExit([bench.empty]));
    const runner = await site.startRunner(["/bin/true"]);
    samples.push((await runner.welcome()) - runner.startedAt);
    await runner.end();
  }
  return {
    name: "runner: exec to welcome",
    unit: "ms",
    samples,
    target: { atMost: 250 },
    baseline: { name: "empty executable to its exit", samples: baseline },
  };
}

async function idleMemory(bench: BenchContext, site: Site): Promise<readonly Figure[]> {
  const ours: Memory[] = [];
  const baseline: Memory[] = [];
  for (let count = repetitions(5, bench.scale, 2); count > 0; count--) {
    const empty = startOwned([bench.empty, "idle"], CLEAN_ENVIRONMENT);
    const runner = await site.startRunner(["/bin/true"]);
    await runner.ready();
    await sleep(REST_MS);
    ours.push(await memoryOf(runner.pid));
    baseline.push(await memoryOf(empty.pid ?? 0));
    await end(empty);
    await runner.end();
  }
  const name = "empty executable";
  return [
    {
      name: "runner idle: RSS",
      unit: "MB",
      samples: ours.map((memory) => memory.resident),
      target: { atMost: 80 },
      baseline: { name, samples: baseline.map((memory) => memory.resident) },
    },
    {
      name: "runner idle: Private_Dirty",
      unit: "MB",
      samples: ours.map((memory) => memory.privateDirty),
      target: { atMost: 30 },
      baseline: { name, samples: baseline.map((memory) => memory.privateDirty) },
    },
  ];
}
