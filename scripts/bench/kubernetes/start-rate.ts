import { SECRETS } from "../../../src/kubernetes/objects.ts";
import { type BenchContext, type Figure, repetitions } from "../figure.ts";
import { fill } from "../many-pipelines.ts";
import { processorTimeOf } from "../processes.ts";
import type { RunnerProcess } from "../site.ts";
import { noteArrivals, rateOf } from "./arrivals.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesSite } from "./kubernetes-site.ts";
import { rawLoop } from "./raw-posts.ts";

/** So many starts the gateway has under way at once (src/gateway/sessions/dispatcher.ts). */
const WIDTH = 32;
const LIMIT_MS = 300_000;

/** Runs that wait when the runner comes: how fast they start, what they cost the API server in writes, and whether all ends arrive. */
export async function startRate(bench: BenchContext, cluster: Cluster): Promise<readonly Figure[]> {
  const count = repetitions(2000, bench.scale, 100);
  const here = await KubernetesSite.open(bench, cluster, {
    topic: "rate",
    pods: "fake",
    withFront: true,
    environment: { MAX_CONCURRENT_RUNS: String(count) },
    prepare: async (site) => void (await fill(site, count, true)),
  });
  const made = await noteArrivals(cluster, SECRETS, here.namespace);
  try {
    const began = performance.now();
    const runner = await here.startRunner();
    const ours = rateOf(await made.all(count, LIMIT_MS));
    const started = await processorTimes(here, runner);
    await here.allEnded(LIMIT_MS);
    const ended = performance.now() - began;
    const states = await here.states();
    const requests = await here.allReleased(LIMIT_MS);
    await runner.end();
    const raw = await rawRate(here, cluster, count);
    bench.say(`starts a second: ${ours.toFixed(1)}; a raw loop: ${raw.toFixed(1)}`);
    bench.say(`processor time until the last start: ${JSON.stringify(started)}`);
    bench.say(`ends: ${JSON.stringify(Object.fromEntries(states))}; requests: ${JSON.stringify(requests)}`);
    const what = `${count} runs on nodes without containers`;
    return [
      {
        name: `${what}: starts a second to those of a raw loop`,
        unit: "ratio",
        samples: [ours / raw],
        target: { atLeast: 0.9 },
      },
      { name: `${what}: writes for each`, unit: "count", samples: [writesOf(requests) / count], target: { atMost: 4 } },
      {
        name: `${what}: ends that are missing at the gateway`,
        unit: "count",
        samples: [count - (states.get("success") ?? 0)],
        target: { atMost: 0 },
      },
      { name: `${what}: exec to the last end`, unit: "s", samples: [ended / 1000] },
    ];
  } finally {
    await made.close();
    await here.close();
  }
}

/** What was used of the processors until now, in milliseconds. */
async function processorTimes(
  { site }: KubernetesSite,
  { pid }: RunnerProcess,
): Promise<{ readonly runner: number; readonly gateway: number }> {
  return { runner: (await processorTimeOf(pid)).own, gateway: (await processorTimeOf(site.gatewayPid)).own };
}

async function rawRate(here: KubernetesSite, cluster: Cluster, count: number): Promise<number> {
  const target = await here.rawTarget();
  const made = await noteArrivals(cluster, SECRETS, target.namespace);
  try {
    await rawLoop(target, here.bodies(), count, WIDTH);
    return rateOf(await made.all(count, LIMIT_MS));
  } finally {
    await made.close();
  }
}

function writesOf(requests: Readonly<Record<string, number>>): number {
  const writes = Object.entries(requests).filter(([name]) => !name.startsWith("GET "));
  return writes.reduce((sum, [, some]) => sum + some, 0);
}
