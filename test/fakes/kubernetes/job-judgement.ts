import type { Condition, Job, Pod } from "../../../src/kubernetes/objects.ts";
import { timeText } from "./kinds.ts";
import { conditionsOf } from "./pod-status.ts";

/** Finalizer of a Job's pods: they stay until they are counted. */
export const JOB_TRACKING = "batch.kubernetes.io/job-tracking";

export type JobStatus = NonNullable<Job["status"]> & { readonly uncountedTerminatedPods?: unknown };

/** What the Job controller does about a Job that isn't finished. */
export interface JobVerdict {
  readonly status: JobStatus;
  /** Pods to delete. */
  readonly remove: readonly Pod[];
  /** They aren't counted as failed ones: the Job goes on without them. */
  readonly uncounted?: true;
  /** One more pod is wanted. */
  readonly create: boolean;
  /** Look again after so long, whatever happens. */
  readonly againInMs?: number;
}

/** The condition that ended a Job. */
export function finished(job: Job): Condition | undefined {
  return job.status?.conditions?.find(
    ({ status, type }) => status === "True" && (type === "Complete" || type === "Failed"),
  );
}

/** The condition by which a Job is about to end: nothing of it is started any more. */
export function finishing(status: JobStatus): Condition | undefined {
  return status.conditions?.find(
    ({ status: value, type }) => value === "True" && (type === "FailureTarget" || type === "SuccessCriteriaMet"),
  );
}

export function isTerminal(pod: Pod): boolean {
  return pod.status?.phase === "Succeeded" || pod.status?.phase === "Failed";
}

/** Judges a Job by its pods: at most one pod at a time, as the Jobs here have it. */
export function judgeJob(job: Job, pods: readonly Pod[], now: number): JobVerdict {
  const before = (job.status ?? {}) as JobStatus;
  const suspended = job.spec.suspend === true;
  const active = pods.filter((pod) => !isTerminal(pod) && pod.metadata.deletionTimestamp === undefined);
  const terminating = pods.filter((pod) => !isTerminal(pod) && pod.metadata.deletionTimestamp !== undefined).length;
  const uncounted = pods.filter((pod) => isTerminal(pod) && finalizersOf(pod).includes(JOB_TRACKING));
  const succeeded = (before.succeeded ?? 0) + uncounted.filter((pod) => pod.status?.phase === "Succeeded").length;
  const failed = (before.failed ?? 0) + uncounted.filter((pod) => pod.status?.phase === "Failed").length;
  const startTime = before.startTime ?? (suspended ? undefined : timeText(now));
  const base: JobStatus = {
    ...before,
    ...(startTime === undefined ? {} : { startTime }),
    terminating,
    ready: active.filter((pod) => conditionsOf(pod).some(({ status, type }) => type === "Ready" && status === "True"))
      .length,
  };
  const deadlineMs = deadlineOf(job, startTime, suspended, now);
  const end = finishing(before) ?? endOf(job, succeeded, failed, active.length, deadlineMs, now);
  if (end !== undefined) {
    const conditions =
      finishing(before) === undefined ? [...(before.conditions ?? []), end] : (before.conditions ?? []);
    const status = { ...base, conditions, active: 0, ready: 0, terminating: terminating + active.length };
    return { status, remove: active, create: false };
  }
  const again = deadlineMs === undefined ? {} : { againInMs: deadlineMs };
  if (job.metadata.deletionTimestamp !== undefined)
    return { status: { ...base, active: active.length }, remove: [], create: false };
  const wanted = suspended
    ? 0
    : Math.min(job.spec.parallelism ?? 1, Math.max(0, (job.spec.completions ?? 1) - succeeded));
  if (active.length > wanted) {
    const remove = active.slice(wanted);
    const status = withSuspension(
      { ...base, active: wanted, ready: 0, terminating: terminating + remove.length },
      suspended,
      now,
    );
    return { status, remove, uncounted: true, create: false, ...again };
  }
  const waitsFor = job.spec.podReplacementPolicy === "Failed" ? terminating : 0;
  const create = active.length + waitsFor < wanted;
  return { status: withSuspension({ ...base, active: active.length }, suspended, now), remove: [], create, ...again };
}

/** Milliseconds that are left until the deadline; 0 or less when it is over. */
function deadlineOf(job: Job, startTime: string | undefined, suspended: boolean, now: number): number | undefined {
  const seconds = job.spec.activeDeadlineSeconds;
  if (seconds === undefined || seconds === null || startTime === undefined || suspended) return undefined;
  return Date.parse(startTime) + seconds * 1000 - now;
}

function endOf(
  job: Job,
  succeeded: number,
  failed: number,
  active: number,
  deadlineMs: number | undefined,
  now: number,
): Condition | undefined {
  const time = timeText(now);
  const condition = (type: string, reason: string, message: string): Condition =>
    ({ type, status: "True", lastProbeTime: time, lastTransitionTime: time, reason, message }) as Condition;
  if (failed > (job.spec.backoffLimit ?? 6)) {
    return condition("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit");
  }
  if (deadlineMs !== undefined && deadlineMs <= 0) {
    return condition("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline");
  }
  if (succeeded >= (job.spec.completions ?? 1) && active === 0) {
    return condition("SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods");
  }
  return undefined;
}

/** A Job that is or was suspended says so; one that goes on again starts its time anew. */
function withSuspension(status: JobStatus, suspended: boolean, now: number): JobStatus {
  const before = status.conditions?.find(({ type }) => type === "Suspended");
  if (!suspended && before === undefined) return status;
  if (before?.status === (suspended ? "True" : "False")) return status;
  const time = timeText(now);
  const [reason, message] = suspended ? ["JobSuspended", "Job suspended"] : ["JobResumed", "Job resumed"];
  const condition = {
    type: "Suspended",
    status: suspended ? "True" : "False",
    lastProbeTime: time,
    lastTransitionTime: time,
    reason,
    message,
  };
  const conditions = [...(status.conditions ?? []).filter(({ type }) => type !== "Suspended"), condition as Condition];
  return { ...status, conditions, ...(suspended ? {} : { startTime: time }) };
}

function finalizersOf(pod: Pod): readonly string[] {
  return (pod.metadata as { readonly finalizers?: readonly string[] }).finalizers ?? [];
}
