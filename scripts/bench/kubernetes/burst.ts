import { PODS } from "../../../src/kubernetes/objects.ts";
import { type BenchContext, type Figure, repetitions } from "../figure.ts";
import { fill } from "../many-pipelines.ts";
import { inParallel } from "../processes.ts";
import { noteArrivals } from "./arrivals.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesSite } from "./kubernetes-site.ts";
import { type RawTarget, rawLoop } from "./raw-posts.ts";

const WIDTH = 32;
const LIMIT_MS = 120_000;

/** Many runs ordered at once, until all their pods exist. */
export async function burst(bench: BenchContext, cluster: Cluster): Promise<readonly Figure[]> {
  const count = repetitions(300, bench.scale, 40);
  let pipelineIds: readonly string[] = [];
  const here = await KubernetesSite.open(bench, cluster, {
    topic: "burst",
    pods: "fake",
    withFront: true,
    prepare: async (site) => {
      pipelineIds = await fill(site, count);
    },
  });
  try {
    const order = async (index: number): Promise<void> => void (await here.site.order(pipelineIds[index] ?? ""));
    const runner = await here.startRunner();
    await runner.ready();
    await order(0);
    await here.allEnded(LIMIT_MS);
    const target = await here.rawTarget();
    const [ours, raw]: [number[], number[]] = [[], []];
    for (let turn = repetitions(3, bench.scale, 1); turn > 0; turn--) {
      raw.push(await timeOfPods(cluster, target, count, () => rawLoop(target, here.bodies(), count, WIDTH)));
      ours.push(await timeOfPods(cluster, here, count, () => inParallel(count, WIDTH, order)));
      await here.allEnded(LIMIT_MS);
      await here.allReleased(LIMIT_MS);
    }
    return [
      {
        name: `${count} runs at once: orders to pods, to that of raw POSTs`,
        unit: "ratio",
        samples: ours.map((seconds, turn) => seconds / (raw[turn] ?? 0)),
        target: { atMost: 1.2 },
      },
      {
        name: `${count} runs at once: orders to pods`,
        unit: "s",
        samples: ours,
        baseline: { name: "raw POSTs to pods", samples: raw },
      },
    ];
  } finally {
    await here.close();
  }
}

/** Seconds from the beginning of the work until so many pods more exist. */
async function timeOfPods(
  cluster: Cluster,
  { namespace }: Pick<RawTarget, "namespace">,
  count: number,
  work: () => Promise<void>,
): Promise<number> {
  const pods = await noteArrivals(cluster, PODS, namespace);
  const since = performance.now();
  await work();
  const last = (await pods.all(count, LIMIT_MS)).at(-1) ?? 0;
  await pods.close();
  return (last - since) / 1000;
}
