import type { ContainerStatus, KubernetesEvent, Pod } from "../../../kubernetes/objects.ts";
import type { FailureCategory } from "../../../protocol/failure-category.ts";
import { readRefusal } from "../refusal-words.ts";
import { CONFIG_VOLUME, MAIN, WRAPPER_VOLUME } from "../template/pod-names.ts";
import { MORE_MEMORY, tooLittleMemory } from "../wrapper/wrapper-memory.ts";
import { isNodeTrouble } from "./disruption.ts";
import { eventTime, newestEvent, timeOf } from "./facts.ts";
import { judgePull } from "./judge-pull.ts";

/** What keeps a container from running. */
export interface Obstacle {
  readonly category: FailureCategory;
  /** For people: the cluster's reason and its words. */
  readonly text: string;
  /** It doesn't go away by itself: the run fails when it has lasted so long, counted from when the pod was scheduled. Absent: the start timeout decides. */
  readonly failAfterMs?: number;
  readonly advice?: string;
  /** More facts, for the failure's detail. */
  readonly detail?: string;
}

/** What is in the way of an attempt, whether it has a pod or not. A pod that is gone may have left nothing but events. */
export function obstacleToStart(
  pod: Pod | undefined,
  events: readonly KubernetesEvent[],
  now: number,
): Obstacle | undefined {
  const obstacle = pod === undefined ? obstacleToPod(events) : obstacleOf(pod, events, now);
  if (obstacle !== undefined) return obstacle;
  const told = newestEvent(events, ["FailedScheduling"]);
  const isScheduled = pod?.spec.nodeName !== undefined;
  return told === undefined || isScheduled ? undefined : unschedulable(told.message);
}

/** What is in the way of a pod that doesn't exist; the Job controller goes on trying. */
export function obstacleToPod(events: readonly KubernetesEvent[]): Obstacle | undefined {
  const message = newestEvent(events, ["FailedCreate"])?.message;
  if (message === undefined) return undefined;
  const words = message.replace(/^Error creating: /, "");
  return readRefusal(words) ?? { category: "Admission", text: `Admission: ${words}` };
}

/** What is in the way of a pod's containers. */
export function obstacleOf(pod: Pod, events: readonly KubernetesEvent[], now: number): Obstacle | undefined {
  const scheduling = pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "False");
  if (scheduling !== undefined) return unschedulable(scheduling.message, scheduling.reason);
  const lack = memoryLack(pod);
  if (lack !== undefined) return { category: "ConfigError", text: lack, failAfterMs: 0, advice: MORE_MEMORY };
  for (const status of [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])]) {
    const obstacle = obstacleOfContainer(pod, status, events);
    if (obstacle !== undefined) return obstacle;
  }
  return obstacleToVolumes(pod, events, now);
}

/** The limit may come from a LimitRange, so that only the pod shows it. */
function memoryLack({ spec }: Pod): string | undefined {
  const hasWrapper = spec.initContainers?.some(({ name }) => name === WRAPPER_VOLUME) === true;
  const main = spec.containers.find(({ name }) => name === MAIN);
  return hasWrapper && main !== undefined ? tooLittleMemory(main) : undefined;
}

function unschedulable(message = "no node takes the pod", reason = "Unschedulable"): Obstacle {
  return { category: "Unschedulable", text: `${reason}: ${message}` };
}

/** Since when the pod's node works on it, epoch milliseconds. */
export function scheduledAt(pod: Pod): number | undefined {
  const condition = pod.status?.conditions?.find(({ type, status }) => type === "PodScheduled" && status === "True");
  return (
    timeOf(condition?.lastTransitionTime) ?? timeOf(pod.status?.startTime) ?? timeOf(pod.metadata.creationTimestamp)
  );
}

/** Reasons of a container that waits for something other than its image, with how long it is given. */
const BY_REASON: Readonly<Record<string, { readonly category: FailureCategory; readonly failAfterMs: number }>> = {
  CreateContainerConfigError: { category: "ConfigError", failAfterMs: 30_000 },
  CreateContainerError: { category: "StartFailed", failAfterMs: 60_000 },
  RunContainerError: { category: "StartFailed", failAfterMs: 60_000 },
  CrashLoopBackOff: { category: "StartFailed", failAfterMs: 60_000 },
};

function obstacleOfContainer(
  pod: Pod,
  status: ContainerStatus,
  events: readonly KubernetesEvent[],
): Obstacle | undefined {
  const waiting = status.state?.waiting;
  const reason = waiting?.reason;
  if (reason === undefined) return undefined;
  const pull = judgePull(pod, status, events);
  if (pull !== undefined) return pull;
  const known = BY_REASON[reason];
  if (known === undefined) return undefined;
  const text = `${reason}: container ${status.name}: ${waiting?.message ?? "no message"}`;
  // The kubelet tries again, or ends the pod.
  if (isNodeTrouble(text)) return { category: known.category, text };
  // A user that the image doesn't have, or root where it is refused, stays so.
  const isFinal = /runAsNonRoot|run as root|non-numeric user/i.test(text);
  return { category: known.category, text, failAfterMs: isFinal ? 0 : known.failAfterMs };
}

/** A volume that can't be mounted for a moment only is nothing to tell. */
const MOUNT_PATIENCE_MS = 3000;

/** The configuration is made after its Job, so that a quick kubelet looks for it too early, and again after some pauses. */
const OWN_PATIENCE_MS = 20_000;

function obstacleToVolumes(pod: Pod, events: readonly KubernetesEvent[], now: number): Obstacle | undefined {
  const event = newestEvent(events, ["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"]);
  const began = timeOf(pod.metadata.creationTimestamp) ?? now;
  const patienceMs = event?.message?.includes(CONFIG_VOLUME) ? OWN_PATIENCE_MS : MOUNT_PATIENCE_MS;
  if (event === undefined || eventTime(event) < began || now - began < patienceMs) return undefined;
  const text = `${event.reason}: ${event.message ?? ""}`;
  const isMissing = /(secret|configmap) "[^"]*" not found|references non-existent (secret|config) key/i.test(text);
  return { category: isMissing ? "ConfigError" : "StartTimeout", text };
}
