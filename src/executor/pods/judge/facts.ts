import type { Condition, ContainerState, Job, KubernetesEvent, Pod } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS } from "../labels.ts";
import { MAIN } from "../template/pod-names.ts";

/** A pod as it was seen last. */
export interface SeenPod {
  readonly pod: Pod;
  /** Since then (epoch milliseconds) the API server has it no more. */
  readonly goneAt?: number;
  /** Its deletion was asked for then (epoch milliseconds of a whole second), as it was told first: the kubelet's own delete at the end moves it. */
  readonly deletionAskedAt?: number;
}

/** All that is known of one attempt of a run. */
export interface AttemptFacts {
  /** By the Job's label, and one more for each of its pods that a suspension ended. */
  readonly attempt: number;
  readonly job: Job;
  /** Since then the API server has the Job no more. */
  readonly jobGoneAt?: number;
  /** Oldest first; with `podReplacementPolicy: Failed` and without retries by the Job there is at most one. */
  readonly pods: readonly SeenPod[];
  /** Told about the Job or its pods, oldest first. */
  readonly events: readonly KubernetesEvent[];
}

/** All that is known of a run, and what time it is (epoch milliseconds). */
export interface RunFacts {
  readonly runId: string;
  /** In rising order; at least one. */
  readonly attempts: readonly AttemptFacts[];
  readonly now: number;
  /** A container that could not start for so long fails the run; 0: never. */
  readonly startTimeoutMs: number;
  /** The attempt that was told of last: one after those that are there, when it was announced and isn't made yet. */
  readonly toldAttempt?: number;
}

/** The pod that counts: the newest that is there, else the one seen last. */
export function currentPod(pods: readonly SeenPod[]): SeenPod | undefined {
  return pods.findLast((seen) => seen.goneAt === undefined) ?? pods.at(-1);
}

/** State of a container by its name. */
export function containerState(pod: Pod | undefined, name: string): ContainerState | undefined {
  return pod?.status?.containerStatuses?.find((status) => status.name === name)?.state;
}

/** A condition that holds. */
export function conditionOf(object: Job | Pod, type: string): Condition | undefined {
  return object.status?.conditions?.find((condition) => condition.type === type && condition.status === "True");
}

/** Epoch milliseconds of an RFC 3339 text; undefined for none or nonsense. */
export function timeOf(text: string | null | undefined): number | undefined {
  if (text === null || text === undefined) return undefined;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** True while somebody keeps the Job from having pods, and until the Job controller has seen that it may have them again. */
export function isSuspended(job: Job): boolean {
  return job.spec.suspend === true || conditionOf(job, "Suspended") !== undefined;
}

/** Pods that a suspension ended and that are on record with the Job. */
export function suspendedPods(job: Job): readonly string[] {
  return job.metadata.annotations?.[ANNOTATIONS.suspendedPods]?.split(" ") ?? [];
}

/** When an event was told last, epoch milliseconds; 0 when it doesn't say. */
export function eventTime(event: KubernetesEvent): number {
  return (
    timeOf(event.lastTimestamp) ??
    timeOf(event.eventTime) ??
    timeOf(event.firstTimestamp) ??
    timeOf(event.metadata.creationTimestamp) ??
    0
  );
}

/** The newest event with one of these reasons. */
export function newestEvent(
  events: readonly KubernetesEvent[],
  reasons: readonly string[],
): KubernetesEvent | undefined {
  return events
    .filter((event) => event.reason !== undefined && reasons.includes(event.reason))
    .reduce<KubernetesEvent | undefined>(
      (newest, event) => (newest === undefined || eventTime(event) >= eventTime(newest) ? event : newest),
      undefined,
    );
}

/** A whole number that is kept as text in an annotation. */
export function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

/** When the deletion of a pod was asked for, by what the pod says now; see `SeenPod.deletionAskedAt`. */
export function deletionAskedAt(pod: Pod): number | undefined {
  const { deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
  const over = timeOf(deletionTimestamp);
  return over === undefined ? undefined : over - (deletionGracePeriodSeconds ?? 0) * 1000;
}

/** True when container `main` of the attempt's pod has printed something, or may have. */
export function hasPrinted({ pods }: AttemptFacts): boolean {
  return hasBegun(currentPod(pods)?.pod);
}

/** True when container `main` has begun. */
export function hasBegun(pod: Pod | undefined): boolean {
  const state = containerState(pod, MAIN);
  return timeOf((state?.running ?? state?.terminated)?.startedAt) !== undefined;
}
