import { setTimeout as sleep } from "node:timers/promises";
import { PODS } from "../../../src/kubernetes/objects.ts";
import { type BenchContext, type Figure, repetitions } from "../figure.ts";
import { fill } from "../many-pipelines.ts";
import { CLEAN_ENVIRONMENT, end, type Memory, memoryOf, processorTimeOf, startOwned } from "../processes.ts";
import { noteArrivals } from "./arrivals.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesSite } from "./kubernetes-site.ts";

/** From the last thing that happened to the look at the memory. */
const REST_MS = 3000;
const LOOK_MS = 10_000;
const LIMIT_MS = 900_000;

/** A runner that is connected, watches its namespace, and has nothing to do. */
export async function idleMemory(bench: BenchContext, cluster: Cluster): Promise<readonly Figure[]> {
  const here = await KubernetesSite.open(bench, cluster, { topic: "idle", pods: "real" });
  const [ours, baseline]: [Memory[], Memory[]] = [[], []];
  const starts: number[] = [];
  try {
    for (let count = repetitions(5, bench.scale, 2); count > 0; count--) {
      const empty = startOwned([bench.empty, "idle"], CLEAN_ENVIRONMENT);
      const runner = await here.startRunner();
      starts.push((await runner.ready()) - runner.startedAt);
      await sleep(REST_MS);
      ours.push(await memoryOf(runner.pid));
      baseline.push(await memoryOf(empty.pid ?? 0));
      await end(empty);
      await runner.end();
    }
  } finally {
    await here.close();
  }
  const name = "empty executable";
  const figure = (what: string, kind: keyof Memory, atMost: number): Figure => ({
    name: `runner watching, idle: ${what}`,
    unit: "MB",
    samples: ours.map((memory) => memory[kind]),
    target: { atMost },
    baseline: { name, samples: baseline.map((memory) => memory[kind]) },
  });
  return [
    figure("RSS", "resident", 90),
    figure("Private_Dirty", "privateDirty", 35),
    { name: "runner watching: exec to in step", unit: "ms", samples: starts },
  ];
}

/** Ten thousand runs whose pods wait: what the runner that started them needs, and one that finds them. */
export async function liveMemory(bench: BenchContext, cluster: Cluster): Promise<readonly Figure[]> {
  const count = repetitions(10_000, bench.scale, 100);
  const here = await KubernetesSite.open(bench, cluster, {
    topic: "live",
    pods: "nowhere",
    environment: { MAX_CONCURRENT_RUNS: String(count) },
    prepare: async (site) => void (await fill(site, count, true)),
  });
  try {
    const pods = await noteArrivals(cluster, PODS, here.namespace);
    const first = await here.startRunner();
    const made = ((await pods.all(count, LIMIT_MS)).at(-1) ?? 0) - first.startedAt;
    await pods.close();
    await sleep(REST_MS);
    const busy = await shareAtRest(first.pid);
    const started = await memoryOf(first.pid);
    await first.end();
    const second = await here.startRunner();
    const found = (await second.ready(0, LIMIT_MS)) - second.startedAt;
    await sleep(REST_MS);
    const adopted = await memoryOf(second.pid);
    await second.end();
    const what = `${count} live runs`;
    return [
      { name: `${what}: RSS`, unit: "MB", samples: [started.resident], target: { atMost: 200 } },
      { name: `${what}, at rest: share of a processor`, unit: "%", samples: [busy] },
      { name: `${what}: Private_Dirty`, unit: "MB", samples: [started.privateDirty] },
      { name: `${what}, found again: RSS`, unit: "MB", samples: [adopted.resident], target: { atMost: 200 } },
      { name: `${what}, found again: exec to in step`, unit: "s", samples: [found / 1000] },
      { name: `${what}: exec to the last pod`, unit: "s", samples: [made / 1000] },
    ];
  } finally {
    await here.close();
  }
}

/** Hundredths of one processor that a process takes while nothing happens. */
async function shareAtRest(pid: number): Promise<number> {
  const [since, before] = [performance.now(), await processorTimeOf(pid)];
  await sleep(LOOK_MS);
  return (100 * ((await processorTimeOf(pid)).own - before.own)) / (performance.now() - since);
}
