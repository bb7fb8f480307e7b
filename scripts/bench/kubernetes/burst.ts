import { JOBS, PODS } from "../../../src/kubernetes/objects.ts";
import { type BenchContext, type Figure, repetitions } from "../figure.ts";
import { fill } from "../many-pipelines.ts";
import { inParallel } from "../processes.ts";
import { noteArrivals } from "./arrivals.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesSite } from "./kubernetes-site.ts";
import { type RawTarget, rawLoop } from "./raw-posts.ts";

const WIDTH = 32;
const LIMIT_MS = 120_000;

/** Seconds until so many pods exist. */
interface Burst {
  /** From the first Job. */
  readonly fromJob: number;
  /** From the beginning of the work. */
  readonly fromBegin: number;
}

/** Many runs at once, until all their pods exist: runs that wait at the gateway when the runner comes, and runs that are ordered while it is there. */
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
    const orderAll = (): Promise<void> => inParallel(count, WIDTH, order);
    const settled = async (): Promise<void> => {
      await here.allEnded(LIMIT_MS);
      await here.allReleased(LIMIT_MS);
    };
    let runner = await here.startRunner();
    await runner.ready();
    await order(0);
    await here.allEnded(LIMIT_MS);
    const target = await here.rawTarget();
    const [waiting, ordered, raw]: [Burst[], Burst[], Burst[]] = [[], [], []];
    for (let turn = repetitions(3, bench.scale, 1); turn > 0; turn--) {
      raw.push(await timeOfPods(cluster, target, count, () => rawLoop(target, here.bodies(), count, WIDTH)));
      ordered.push(await timeOfPods(cluster, here, count, orderAll));
      await settled();
      await runner.end();
      await orderAll();
      waiting.push(
        await timeOfPods(cluster, here, count, async () => {
          runner = await here.startRunner();
        }),
      );
      await settled();
    }
    const what = `${count} runs at once`;
    const parts = (ours: readonly Burst[], from: keyof Burst): readonly number[] =>
      ours.map((times, turn) => times[from] / (raw[turn]?.[from] ?? 0));
    const seconds = (name: string, ours: readonly Burst[], from: keyof Burst): Figure => ({
      name: `${what}: ${name}`,
      unit: "s",
      samples: ours.map((times) => times[from]),
      baseline: { name: "raw POSTs", samples: raw.map((times) => times[from]) },
    });

    return [
      {
        name: `${what}, all waiting: first Job to last pod, to that of raw POSTs`,
        unit: "ratio",
        samples: parts(waiting, "fromJob"),
        target: { atMost: 1.2 },
      },
      seconds("all waiting: first Job to last pod", waiting, "fromJob"),
      seconds("first order to last pod", ordered, "fromBegin"),
    ];
  } finally {
    await here.close();
  }
}

async function timeOfPods(
  cluster: Cluster,
  { namespace }: Pick<RawTarget, "namespace">,
  count: number,
  work: () => Promise<void>,
): Promise<Burst> {
  const pods = await noteArrivals(cluster, PODS, namespace);
  const jobs = await noteArrivals(cluster, JOBS, namespace);
  try {
    const began = performance.now();
    await work();
    const last = (await pods.all(count, LIMIT_MS)).at(-1) ?? 0;
    const first = (await jobs.all(1, LIMIT_MS)).at(-1) ?? 0;
    return { fromJob: (last - first) / 1000, fromBegin: (last - began) / 1000 };
  } finally {
    await pods.close();
    await jobs.close();
  }
}
