import { clip } from "../../../base/clip.ts";
import {
  type AttemptFacts,
  eventTime,
  isSuspended,
  newestEvent,
  type SeenPod,
  timeOf,
} from "../../pods/judge/facts.ts";
import { whereabouts } from "../../pods/judge/judge-exit.ts";
import { type Obstacle, obstacleToStart, scheduledAt } from "../../pods/judge/judge-waiting.ts";
import { type AttemptVerdict, failed } from "../../pods/judge/verdict.ts";
import { LABELS } from "../../pods/labels.ts";

const LOOK_SOON_MS = 3000;
const WAITING_LIMIT = 480;

/** The verdict on an attempt whose container has not begun: it waits, and after too long it has failed by what kept it. */
export function judgeStart(
  facts: AttemptFacts,
  seen: SeenPod | undefined,
  now: number,
  startTimeoutMs: number,
): AttemptVerdict {
  // However long a queue keeps it back, that isn't the run's: its time to start begins when the Job may have a pod.
  if (isSuspended(facts.job)) return { state: "queued", waiting: clip(suspensionWords(facts), WAITING_LIMIT) };
  const created = timeOf(facts.job.metadata.creationTimestamp) ?? now;
  const obstacle = obstacleToStart(seen?.pod, facts.events, now);
  // An autoscaler that brings a node takes its time: that isn't the run's (peers T19).
  const scaledAt = newestEvent(facts.events, ["TriggeredScaleUp"]);
  // A resumed Job has its start time anew.
  const since = Math.max(created, timeOf(facts.job.status?.startTime) ?? 0);
  const began = Math.max(since, scaledAt === undefined ? 0 : eventTime(scaledAt));
  const timeoutAt = startTimeoutMs > 0 ? began + startTimeoutMs : Number.POSITIVE_INFINITY;
  const scheduled = seen === undefined ? undefined : scheduledAt(seen.pod);
  const hopelessAt =
    obstacle?.failAfterMs === undefined ? Number.POSITIVE_INFINITY : (scheduled ?? since) + obstacle.failAfterMs;
  const dueAt = Math.min(timeoutAt, hopelessAt);
  if (now >= dueAt) return gaveUp(facts, seen, obstacle, now, now - since);
  const lookAt = now - since < LOOK_SOON_MS ? since + LOOK_SOON_MS : dueAt;
  return {
    state: "queued",
    ...(obstacle === undefined ? {} : { waiting: clip(obstacle.text, WAITING_LIMIT) }),
    ...(Number.isFinite(lookAt) ? { lookAt } : {}),
  };
}

/** What to tell of a run that waits because its Job is suspended. */
function suspensionWords({ job, events }: AttemptFacts): string {
  const queue = job.metadata.labels?.[LABELS.kueueQueue];
  const told = newestEvent(events, ["Stopped"]) ?? newestEvent(events, ["Suspended"]);
  const who = queue === undefined ? "" : ` by Kueue, queue ${queue}`;
  return `Suspended: Job ${job.metadata.name} is suspended${who}: ${told?.message ?? "no word by whom"}; it goes on when it is resumed`;
}

function gaveUp(
  facts: AttemptFacts,
  seen: SeenPod | undefined,
  obstacle: Obstacle | undefined,
  now: number,
  waitedMs: number,
): AttemptVerdict {
  const where = seen === undefined ? `Job ${facts.job.metadata.name} has no pod` : whereabouts(seen.pod);
  const waited = `waited ${Math.round(waitedMs / 1000)} s`;
  const detail = [obstacle?.text, obstacle?.detail, where, waited].filter((part) => part !== undefined).join("; ");
  const summary =
    obstacle === undefined
      ? `the container did not start in ${Math.round(waitedMs / 1000)} s`
      : clip(obstacle.text, WAITING_LIMIT);
  return failed(
    {
      category: obstacle?.category ?? "StartTimeout",
      summary,
      detail,
      ...(obstacle?.advice === undefined ? {} : { advice: obstacle.advice }),
    },
    {
      endedAt: now,
      proof: `container main never ran: ${where}`,
      endPods: "pods",
      ...(seen === undefined ? {} : { pod: seen.pod.metadata.name }),
    },
  );
}
