import type { KubernetesEvent, Pod } from "../../../kubernetes/objects.ts";
import type { FailureCategory } from "../../../protocol/failure-category.ts";
import { conditionOf, newestEvent } from "./facts.ts";

/** What the cluster did to a pod. */
export interface Disruption {
  readonly category: Extract<FailureCategory, "Evicted" | "Preempted" | "NodeLost">;
  readonly summary: string;
  /** The cluster's own words. */
  readonly detail: string;
}

/** The pod condition that announces it, by its reason (https://kubernetes.io/docs/concepts/workloads/pods/disruptions/). */
const BY_CONDITION: Readonly<Record<string, Pick<Disruption, "category" | "summary">>> = {
  PreemptionByScheduler: { category: "Preempted", summary: "the scheduler made room for a pod of a higher priority" },
  DeletionByTaintManager: { category: "Evicted", summary: "the node got a taint that the pod doesn't tolerate" },
  EvictionByEvictionAPI: { category: "Evicted", summary: "the pod was evicted, as a drain of its node does" },
  DeletionByPodGC: { category: "NodeLost", summary: "the pod's node is no part of the cluster any more" },
  TerminationByKubelet: { category: "Evicted", summary: "the node ended the pod" },
};

/** The reason in the status of a pod that the kubelet or the node controller ended. */
const BY_STATUS: Readonly<Record<string, Pick<Disruption, "category" | "summary">>> = {
  Evicted: { category: "Evicted", summary: "the node ran short of a resource and evicted the pod" },
  Preempting: { category: "Preempted", summary: "the node made room for a critical pod" },
  NodeLost: { category: "NodeLost", summary: "the pod's node no longer answers" },
  NodeShutdown: { category: "NodeLost", summary: "the pod's node was shut down" },
  Shutdown: { category: "NodeLost", summary: "the pod's node was shut down" },
  Terminated: { category: "NodeLost", summary: "the pod's node was shut down" },
};

/** What an event tells of a pod that nobody saw end. */
const BY_EVENT: Readonly<Record<string, Pick<Disruption, "category" | "summary">>> = {
  Evicted: { category: "Evicted", summary: "the pod was evicted" },
  Preempted: { category: "Preempted", summary: "the scheduler made room for a pod of a higher priority" },
  TaintManagerEviction: { category: "Evicted", summary: "the node got a taint that the pod doesn't tolerate" },
  NodeNotReady: { category: "NodeLost", summary: "the pod's node no longer answers" },
};

/** What the cluster did to the pod, when it did something. */
export function disruptionOf(pod: Pod, events: readonly KubernetesEvent[]): Disruption | undefined {
  const condition = conditionOf(pod, "DisruptionTarget");
  const status = BY_STATUS[pod.status?.reason ?? ""];
  const detail = [pod.status?.reason, pod.status?.message, condition?.reason, condition?.message]
    .filter((part) => part !== undefined && part !== "")
    .join("; ");
  if (condition?.reason === "DeletionByTaintManager" && newestEvent(events, ["NodeNotReady"]) !== undefined)
    return { category: "NodeLost", summary: "the pod's node no longer answers", detail };
  // The kubelet's own reason is more exact than its condition.
  const found = status ?? BY_CONDITION[condition?.reason ?? ""];
  return found === undefined ? undefined : { ...found, detail };
}

/** What events tell of a pod that is gone without a trace in its status. */
export function disruptionTold(events: readonly KubernetesEvent[]): Disruption | undefined {
  const event = newestEvent(events, Object.keys(BY_EVENT));
  const found = BY_EVENT[event?.reason ?? ""];
  return found === undefined ? undefined : { ...found, detail: `${event?.reason}; ${event?.message ?? ""}` };
}

/** The container runtime's words for a start that it didn't manage itself, or not yet: nothing is said of the container. */
const NODE_TROUBLE =
  /deadline ?exceeded|ttrpc: closed|code = Unavailable|resource temporarily unavailable|name "[^"]*" is reserved/i;

/** True when a container wasn't started because its node has too much to do, or its runtime is in trouble. */
export function isNodeTrouble(words: string): boolean {
  return NODE_TROUBLE.test(words);
}
