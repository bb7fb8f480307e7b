import { clip } from "../../../base/clip.ts";
import type { Job } from "../../../kubernetes/objects.ts";
import { disruptionTold } from "../../pods/judge/disruption.ts";
import { type AttemptFacts, conditionOf, containerState, type SeenPod, timeOf } from "../../pods/judge/facts.ts";
import { type ProgramEnd, whereabouts } from "../../pods/judge/judge-exit.ts";
import { obstacleToStart } from "../../pods/judge/judge-waiting.ts";
import type { FoundFailure } from "../../pods/judge/verdict.ts";
import { MAIN } from "../../pods/template/pod-names.ts";

/** The Job's deadline is over. It counts from when the Job may have a pod: what kept a program from starting is the reason then. */
export function overTime(facts: AttemptFacts, seen: SeenPod | undefined, now: number): FoundFailure {
  const { job, events } = facts;
  const seconds = job.spec.activeDeadlineSeconds;
  const limit = seconds === undefined ? "the time that it may take" : `${seconds} s`;
  const words = `${conditionOf(job, "Failed")?.message ?? "Job was active longer than specified deadline"}; Job ${job.metadata.name}`;
  const main = containerState(seen?.pod, MAIN);
  const startedAt = timeOf((main?.running ?? main?.terminated)?.startedAt);
  if (startedAt !== undefined && startedAt > 0) {
    // A resumed Job has its start time anew.
    const since = timeOf(job.status?.startTime) ?? timeOf(job.metadata.creationTimestamp) ?? startedAt;
    const waitedMs = startedAt - since;
    const waited = `; ${Math.max(0, Math.round(waitedMs / 1000))} s of it went by before its container began`;
    return { category: "DeadlineExceeded", summary: `the run took longer than ${limit}`, detail: words + waited };
  }
  const obstacle = obstacleToStart(seen?.pod, events, now);
  if (obstacle === undefined && seen === undefined)
    return { category: "DeadlineExceeded", summary: `the run took longer than ${limit}`, detail: words };
  const { category = "StartTimeout" as const, text, detail, advice } = obstacle ?? {};
  return {
    category,
    summary: clip(
      `did not start within the pipeline's timeout of ${limit}${text === undefined ? "" : `: ${text}`}`,
      480,
    ),
    detail: [text, detail, words].filter((part) => part !== undefined).join("; "),
    ...(advice === undefined ? {} : { advice }),
  };
}

/**
 * The Job was still told to be suspended when its deadline was over: it was resumed while no runner was there that had lifted the
 * deadline. The time it was suspended isn't the run's, so this counts as a pod that was taken away. Undefined for all others.
 */
export function suspendedTooLong(job: Job): FoundFailure | undefined {
  const suspended = conditionOf(job, "Suspended");
  if (suspended === undefined) return undefined;
  return {
    category: "PodDeleted",
    summary: "its Job was suspended for longer than its deadline, and failed when it was resumed",
    detail: `Job ${job.metadata.name}, suspended since ${suspended.lastTransitionTime ?? "an unknown time"}; the Job controller counts that time, and no runner was there to lift the deadline`,
  };
}

/** Somebody deleted the Job. */
export function jobDeleted(facts: AttemptFacts, seen: SeenPod | undefined): FoundFailure {
  const where = seen === undefined ? "no pod of it was ever seen" : `last seen: ${lastSeen(seen)}`;
  return {
    category: "JobDeleted",
    summary: "the Job was deleted before the run had ended",
    detail: `Job ${facts.job.metadata.name}; ${where}`,
  };
}

/** The pod has ended or is gone, and neither its program's end nor the Job says why. */
export function podLost(facts: AttemptFacts, seen: SeenPod | undefined, end: ProgramEnd | undefined): FoundFailure {
  const told = disruptionTold(facts.events);
  if (told !== undefined)
    return { category: told.category, summary: told.summary, detail: `${told.detail}; Job ${facts.job.metadata.name}` };
  const condition = conditionOf(facts.job, "Failed");
  const word =
    condition === undefined ? "" : `; Job ${facts.job.metadata.name}: ${condition.reason}: ${condition.message}`;
  if (seen === undefined)
    return {
      category: "Lost",
      summary: "the pod is gone, and nobody saw how its program ended",
      detail: `pods of the Job that failed: ${facts.job.status?.failed ?? 0}${word}`,
    };
  const isDeleted = seen.goneAt !== undefined || seen.pod.metadata.deletionTimestamp !== undefined;
  const code = end?.exitCode === undefined ? "" : `; its program ended with exit code ${end.exitCode} then`;
  if (isDeleted)
    return {
      category: "PodDeleted",
      summary: "the pod was deleted before the run had ended",
      detail: `last seen: ${lastSeen(seen)}${code}${word}`,
    };
  const { reason, message } = seen.pod.status ?? {};
  if (/^(OutOf\w+|NodeAffinity|UnexpectedAdmissionError|TopologyAffinityError)$/.test(reason ?? ""))
    return {
      category: "Unschedulable",
      summary: `the node refused the pod: ${reason}`,
      detail: `${message ?? ""}${word}`,
    };
  return {
    category: "Lost",
    summary: end?.failure?.summary ?? "the pod failed and doesn't say how its program ended",
    detail: `${lastSeen(seen)}; ${reason ?? "no reason"}: ${message ?? "no message"}${word}`,
  };
}

function lastSeen(seen: SeenPod): string {
  return `${whereabouts(seen.pod)}, phase ${seen.pod.status?.phase ?? "unknown"}`;
}
