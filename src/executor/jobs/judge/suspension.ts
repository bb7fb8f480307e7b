import type { Job } from "../../../kubernetes/objects.ts";
import {
  type AttemptFacts,
  conditionOf,
  currentPod,
  hasBegun,
  isSuspended,
  numberIn,
  type SeenPod,
  suspendedPods,
  timeOf,
} from "../../pods/judge/facts.ts";
import { ANNOTATIONS } from "../../pods/labels.ts";
import { endedByItself, podsEnded } from "./judge-attempt.ts";

/*
 * A Job can be suspended at any time, by hand or by a system that queues Jobs (Kueue does so to preempt one). The Job controller
 * then ends its pods, and makes a new one when the Job is resumed. A program that had begun and was ended so counts as an attempt:
 * the one that is started after it is the next, in the same Job, and its log goes on behind that of the one before.
 *
 * The Job controller counts a Job's deadline from `status.startTime`, which it sets anew only after it has compared the two: a
 * Job that was suspended for longer than its deadline fails in the moment it is resumed. So it has none while it is suspended.
 */

/** What the Job's deadline is to be now, in seconds, `null` for none; undefined where it is as it should be. */
export function wantedDeadline({ job, jobGoneAt }: AttemptFacts): number | null | undefined {
  const { annotations = {} } = job.metadata;
  const limit = numberIn(annotations[ANNOTATIONS.timeoutSeconds]);
  const { stopRequestedAt, ending, notStarted } = ANNOTATIONS;
  // What is being ended has a deadline for that.
  const isEnding = [stopRequestedAt, ending, notStarted].some((name) => annotations[name] !== undefined);
  if (limit === undefined || isEnding || jobGoneAt !== undefined || isOver(job)) return undefined;
  const { activeDeadlineSeconds } = job.spec;
  if (isSuspended(job))
    return activeDeadlineSeconds === undefined || job.status?.startTime === undefined ? undefined : null;
  return activeDeadlineSeconds === undefined && wasSuspended(job) ? limit : undefined;
}

/** Pods whose program had begun and was ended by a suspension that isn't on record yet, oldest first. */
export function interruptedPods(facts: AttemptFacts): readonly SeenPod[] {
  const { job, pods } = facts;
  if (isOver(job) || facts.jobGoneAt !== undefined) return [];
  const current = currentPod(pods);
  return pods.filter((seen) => {
    if (!hasBegun(seen.pod) || !podsEnded({ ...facts, pods: [seen] }) || endedByItself(facts, seen)) return false;
    return seen !== current || isSuspended(job) || isOfEarlierStart(job, seen);
  });
}

/** The pods of an attempt as it is now: without those of before a suspension that are on record, or had never begun. */
export function podsSinceResume(job: Job, pods: readonly SeenPod[]): readonly SeenPod[] {
  const names = suspendedPods(job);
  const left = pods.filter(({ pod }) => !names.includes(pod.metadata.name));
  return left.filter((seen) => {
    const isGone = seen.goneAt !== undefined && (isSuspended(job) || isOfEarlierStart(job, seen));
    return !isGone || hasBegun(seen.pod);
  });
}

/** A resumed Job has its start time anew. */
function isOfEarlierStart(job: Job, { goneAt }: SeenPod): boolean {
  const startedAt = timeOf(job.status?.startTime);
  // The API's times are whole seconds.
  return wasSuspended(job) && goneAt !== undefined && startedAt !== undefined && goneAt < startedAt + 1000;
}

function wasSuspended(job: Job): boolean {
  return job.status?.conditions?.some(({ type }) => type === "Suspended") === true;
}

function isOver(job: Job): boolean {
  return ["Failed", "Complete", "FailureTarget"].some((type) => conditionOf(job, type) !== undefined);
}
