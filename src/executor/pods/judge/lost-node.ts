import type { Pod } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS } from "../labels.ts";
import { type AttemptFacts, eventTime, newestEvent, numberIn, timeOf } from "./facts.ts";
import { whereabouts } from "./judge-exit.ts";
import { type EndedVerdict, failed } from "./verdict.ts";

/**
 * A node that is silent for longer than the cluster's own grace is given this long to come back: an API server that was away
 * itself makes nodes look silent for some seconds (peers T24, T30).
 */
const NODE_PATIENCE_MS = 15_000;

/** A pod that was to end at its deletion time and hasn't, on a silent node, is not waited for longer. */
const TERMINATING_PATIENCE_MS = 30_000;

/**
 * Judges a pod whose status says that it runs, on a node that may no longer answer. The node controller tells it by taking the
 * pod's readiness away and by an event; the kubelet of a node that comes back gives the readiness back.
 */
export function judgeLostNode(
  facts: AttemptFacts,
  pod: Pod,
  startedAt: number,
  now: number,
): { readonly ended?: EndedVerdict; readonly lookAt?: number } | undefined {
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  const event = newestEvent(facts.events, ["NodeNotReady"]);
  if (ready === undefined || ready.status === "True" || event === undefined) return undefined;
  const since = timeOf(ready.lastTransitionTime) ?? eventTime(event);
  if (eventTime(event) + 60_000 < since) return undefined;
  const stopAt = numberIn(facts.job.metadata.annotations?.[ANNOTATIONS.stopRequestedAt]);
  const overAt = timeOf(pod.metadata.deletionTimestamp);
  const dueAt = Math.max(
    since + NODE_PATIENCE_MS,
    stopAt === undefined ? 0 : (overAt ?? now + 1) + TERMINATING_PATIENCE_MS,
  );
  if (now < dueAt) return { lookAt: dueAt };
  const common = { startedAt, endedAt: now, pod: pod.metadata.name };
  const proof = `the node of pod ${pod.metadata.name} no longer answers; the pod is marked for deletion there`;
  if (stopAt !== undefined) return { ended: { state: "stopped", ...common, proof } };
  const detail = `${event.message ?? "node is not ready"}; ${whereabouts(pod)}; should the node come back, its kubelet ends the pod`;
  const failure = { category: "NodeLost" as const, summary: "the pod's node no longer answers", detail };
  return { ended: failed(failure, { ...common, proof, endPods: "nothing" }) };
}
