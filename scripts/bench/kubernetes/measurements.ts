import type { BenchContext, Figure, Measurement } from "../figure.ts";
import { burst } from "./burst.ts";
import { Cluster } from "./cluster.ts";
import { dispatch } from "./dispatch.ts";
import { endLatency } from "./end-latency.ts";
import { idleMemory, liveMemory } from "./memory.ts";
import { podLogs } from "./pod-logs.ts";
import { startRate } from "./start-rate.ts";

/** Measurements on the cluster that KUBECONFIG names, in the order of docs/performance.md. */
export const CLUSTER_MEASUREMENTS: readonly Measurement[] = [
  onCluster("kubernetes-idle", idleMemory),
  onCluster("kubernetes-dispatch", dispatch),
  onCluster("kubernetes-end", endLatency),
  onCluster("kubernetes-logs", podLogs),
  onCluster("kubernetes-burst", burst),
  onCluster("kubernetes-start-rate", startRate),
  onCluster("kubernetes-live", liveMemory),
];

function onCluster(
  name: string,
  measure: (bench: BenchContext, cluster: Cluster) => Promise<readonly Figure[]>,
): Measurement {
  return {
    name,
    async measure(bench) {
      const cluster = await Cluster.open();
      try {
        return await measure(bench, cluster);
      } finally {
        await cluster.close();
      }
    },
  };
}
