import type { Clock } from "../../../src/base/clock.ts";
import type { Condition } from "../../../src/kubernetes/objects.ts";
import { eventsOf } from "./cluster-events.ts";
import { deleteObject } from "./deletion.ts";
import type { Stored } from "./kinds.ts";
import type { Kubelet } from "./node.ts";
import type { ObjectStore } from "./object-store.ts";
import { conditionsOf, withCondition } from "./pod-status.ts";

/**
 * Ways in which clusters end pods: the kubelet for want of memory, the eviction API (a drain), the scheduler for a more important
 * pod, the taint manager when a node has been silent for long, and the pod collector when its node is no longer one.
 */
export type KindOfEviction = "nodePressure" | "api" | "preemption" | "nodeUnreachable" | "nodeGone";

const LOW_MEMORY = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 60Mi. ";

const DISRUPTIONS: Readonly<Record<KindOfEviction, { readonly reason: string; readonly message: string }>> = {
  nodePressure: { reason: "TerminationByKubelet", message: LOW_MEMORY },
  api: { reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" },
  preemption: {
    reason: "PreemptionByScheduler",
    message: "default-scheduler: preempting to accommodate a higher priority pod",
  },
  nodeUnreachable: { reason: "DeletionByTaintManager", message: "Taint manager: deleting due to NoExecute taint" },
  nodeGone: { reason: "DeletionByPodGC", message: "PodGC: node no longer exists" },
};

/** Ends a pod as `kind` says. With a node that is paused, `nodeUnreachable` leaves it as it is for good, like the real one. */
export function evictPod(store: ObjectStore, kubelet: Kubelet, clock: Clock, pod: Stored, kind: KindOfEviction): void {
  const marked = disrupted(store, clock, pod, kind);
  const life = kubelet.lifeOf(pod.metadata.uid ?? "");
  switch (kind) {
    case "nodePressure":
      eventsOf("kubelet", store, clock)(pod, "Warning", "Evicted", LOW_MEMORY);
      void life?.fail("Evicted", LOW_MEMORY);
      return;
    case "api":
    case "nodeUnreachable":
      if (kind === "nodeUnreachable") {
        eventsOf("taint-eviction-controller", store, clock)(
          pod,
          "Normal",
          "TaintManagerEviction",
          `Marking for deletion Pod ${pod.metadata.namespace}/${pod.metadata.name}`,
        );
      }
      deleteObject(store, clock, marked, { propagation: "Background" });
      return;
    case "preemption":
      eventsOf("default-scheduler", store, clock)(
        pod,
        "Normal",
        "Preempted",
        `Preempted by pod ${crypto.randomUUID()} on node ${kubelet.name}`,
      );
      deleteObject(store, clock, marked, { propagation: "Background" });
      return;
    case "nodeGone": {
      const failed = store.change(marked, (now) => ({ ...now, status: { ...now.status, phase: "Failed" } }) as Stored);
      if (failed !== undefined)
        deleteObject(store, clock, failed, { propagation: "Background", gracePeriodSeconds: 0 });
    }
  }
}

/** Kills the processes of a running container from outside. */
export async function killPod(
  kubelet: Kubelet,
  pod: Stored,
  reason: "OOMKilled" | "KILL",
  container = "main",
): Promise<void> {
  const life = kubelet.lifeOf(pod.metadata.uid ?? "");
  const found = life?.containers.find((candidate) => candidate.container.name === container);
  if (found?.state.running === undefined)
    throw new Error(`container ${container} of pod ${pod.metadata.name} doesn't run`);
  await found.kill(reason === "OOMKilled" ? reason : undefined);
}

function disrupted(store: ObjectStore, clock: Clock, pod: Stored, kind: KindOfEviction): Stored {
  const condition: Condition = { type: "DisruptionTarget", status: "True", ...DISRUPTIONS[kind] };
  const changed = store.change(pod, (now) => {
    const conditions = withCondition(conditionsOf(now), condition, clock.now());
    return { ...now, status: { ...now.status, conditions } } as Stored;
  });
  return changed ?? pod;
}
