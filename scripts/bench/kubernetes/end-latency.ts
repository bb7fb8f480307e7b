import { PODS, type Pod } from "../../../src/kubernetes/objects.ts";
import { type BenchContext, type Figure, repetitions } from "../figure.ts";
import { until } from "../processes.ts";
import type { Cluster } from "./cluster.ts";
import { KubernetesSite } from "./kubernetes-site.ts";

const LIMIT_MS = 120_000;

/** From the moment at which the bench's own watch tells that a pod has ended until the gateway tells that its run is a success. */
export async function endLatency(bench: BenchContext, cluster: Cluster): Promise<readonly Figure[]> {
  const command = ["/bin/sh", "-c", "echo a line of the bench"];
  const here = await KubernetesSite.open(bench, cluster, { topic: "end", pods: "real", command });
  const ends = new Map<string, number>();
  const pods = await cluster.watch(PODS, here.namespace);
  pods.onChange(({ object }) => {
    const run = /^hr-(.{36})-/.exec(object.metadata.name)?.[1] ?? "";
    if (hasEnded(object) && !ends.has(run)) ends.set(run, performance.now());
  });
  try {
    const runner = await here.startRunner();
    await runner.ready();
    const pipelineId = await here.site.deploy();
    const samples: number[] = [];
    for (let count = repetitions(30, bench.scale, 5); count > 0; count--) {
      const run = await here.site.order(pipelineId);
      const told = await successTold(here, run);
      const ended = await until("the end of the run's pod", () => ends.get(run), LIMIT_MS);
      samples.push(told - ended);
    }
    const shared = { unit: "ms", samples } as const;
    return [
      { ...shared, name: "pod's end to success at the gateway: p50", quantile: 0.5, target: { atMost: 100 } },
      { ...shared, name: "pod's end to success at the gateway: p90", quantile: 0.9 },
    ];
  } finally {
    await pods.close();
    await here.close();
  }
}

/** The moment at which the run's live events tell its success. @throws Error when it ends in another way */
async function successTold({ site }: KubernetesSite, runId: string): Promise<number> {
  for await (const event of site.events(runId)) {
    if (event.name !== "run") continue;
    const { state, failure } = event.data as { readonly state: string; readonly failure?: unknown };
    if (state === "success") return performance.now();
    if (!["queued", "running"].includes(state))
      throw new Error(`Cannot measure: run ${runId} is ${state}: ${JSON.stringify(failure)}`);
  }
  throw new Error(`Cannot measure: the events of run ${runId} ended before it did`);
}

function hasEnded({ status }: Pod): boolean {
  return (
    status?.containerStatuses?.some(({ name, state }) => name === "main" && state?.terminated !== undefined) === true
  );
}
