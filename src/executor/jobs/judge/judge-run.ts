import { clip } from "../../../base/clip.ts";
import type { FailureCategory } from "../../../protocol/failure-category.ts";
import { readEnding } from "../../pods/judge/ending-record.ts";
import {
  type AttemptFacts,
  conditionOf,
  numberIn,
  type RunFacts,
  type SeenPod,
  suspendedPods,
} from "../../pods/judge/facts.ts";
import { type AttemptVerdict, type EndedVerdict, type FoundFailure, hasEnded } from "../../pods/judge/verdict.ts";
import { ANNOTATIONS } from "../../pods/labels.ts";
import { judgeAttempt, podsEnded } from "./judge-attempt.ts";
import { interruptedPods } from "./suspension.ts";

const TOLD_LIMIT = 480;

/** How a run stands, and what is to be done about it. */
export interface RunVerdict {
  readonly attempt: number;
  readonly verdict: AttemptVerdict;
  /** Another attempt follows the last one: what the next Job is made with, when its time has come. */
  readonly retry?: { readonly attempt: number; readonly free: number; readonly dueAt: number };
  /** How the last attempt ended, where another one follows. */
  readonly before?: EndedVerdict;
  /** The last attempt was ended by a suspension of its Job: to be put on record before anything more is told. */
  readonly suspended?: readonly SeenPod[];
  /** The last attempt's pods have to be ended with this on record; told before that only where `endPods` says `nothing`. */
  readonly end?: EndedVerdict;
}

/** The cluster took the pod away: the run gets one more attempt that doesn't count. */
const INFRASTRUCTURE: ReadonlySet<FailureCategory> = new Set(["Evicted", "Preempted", "NodeLost", "PodDeleted"]);

/** Another attempt would meet the same. */
const HOPELESS: ReadonlySet<FailureCategory> = new Set([
  "ConfigError",
  "SecretUnresolved",
  "InvalidImage",
  "StartTimeout",
  "JobDeleted",
]);

/** From a failed attempt to the next one, where the pipeline names no pause, or the attempt doesn't count. */
const OWN_PAUSE_MS = 5000;

/** A lost node's pod is waited for so long, before the run fails for good. */
const NODE_RETURN_MS = 600_000;

/**
 * The verdict on a run: that on its last attempt, unless another attempt follows. What was announced can't be taken back: even when
 * the Job doesn't show yet that its attempt was given up, the run ends as the attempt that was told of.
 */
export function judgeRun(facts: RunFacts): RunVerdict {
  const judged = judgeAttempts(facts);
  const { toldAttempt = judged.attempt } = facts;
  return hasEnded(judged.verdict) && judged.attempt < toldAttempt ? { ...judged, attempt: toldAttempt } : judged;
}

function judgeAttempts(facts: RunFacts): RunVerdict {
  const last = facts.attempts.at(-1);
  if (last === undefined) throw new TypeError(`run ${facts.runId} has no attempt to judge`);
  const verdict = judgeAttempt(last, facts.now, facts.startTimeoutMs);
  const attempt = last.attempt;
  const suspended = interruptedPods(last);
  if (suspended.length > 0 && !isStopped(last)) return { attempt, verdict: { state: "queued" }, suspended };
  if (!hasEnded(verdict)) return { attempt, verdict };
  if (verdict.state === "success") return successOf(facts, last, verdict);
  if (verdict.endPods === "pods")
    return {
      attempt,
      verdict: { state: "queued", waiting: clip(`being ended: ${reasonOf(verdict)}`, TOLD_LIMIT) },
      end: verdict,
    };
  const end = verdict.endPods === undefined ? {} : { end: verdict };
  const { failure, endedAt } = verdict;
  const retry = failure === undefined ? undefined : retryAfter(facts, last, { ...failure, endedAt });
  if (retry === undefined) return { attempt, verdict, ...end };
  const because = `because attempt ${attempt}: ${reasonOf(verdict)}`;
  // The next attempt has been told of, so that an end can be its end only: no report of an earlier one is news any more.
  if (isStopped(last)) return { attempt: retry.attempt, verdict: stoppedInstead(verdict, last), ...end };
  if (podsEnded(last)) {
    const seconds = Math.round((retry.dueAt - verdict.endedAt) / 1000);
    const waiting = clip(`attempt ${retry.attempt} in ${seconds} s, ${because}`, TOLD_LIMIT);
    const queued = { state: "queued" as const, waiting, lookAt: retry.dueAt };
    // The Job's own end is what shows that no other pod will come from it.
    return { attempt: retry.attempt, verdict: queued, ...(isFinished(last) ? { retry } : {}), before: verdict, ...end };
  }
  const giveUpAt = verdict.endedAt + Math.max(NODE_RETURN_MS, facts.startTimeoutMs);
  if (facts.now >= giveUpAt) return { attempt: retry.attempt, verdict, ...end };
  const waiting = clip(`attempt ${retry.attempt} when the pod of attempt ${attempt} is gone, ${because}`, TOLD_LIMIT);
  return { attempt: retry.attempt, verdict: { state: "queued", waiting, lookAt: giveUpAt }, before: verdict, ...end };
}

/** A pod that was given up with its node may have come to a good end after all: then there is no other attempt, but one was told of. */
function successOf(facts: RunFacts, last: AttemptFacts, verdict: EndedVerdict): RunVerdict {
  const { attempt } = last;
  const end = verdict.endPods === undefined ? {} : { end: verdict };
  const record = readEnding(last.job.metadata.annotations?.[ANNOTATIONS.ending]);
  const { category } = record ?? {};
  if (record === undefined || category === undefined || record.await !== undefined) return { attempt, verdict, ...end };
  const retry = retryAfter(facts, last, { category, endedAt: record.at });
  if (retry === undefined) return { attempt, verdict, ...end };
  const proof = clip(
    `${verdict.proof}; attempt ${attempt} had been given up (${category}), and no other was made`,
    TOLD_LIMIT,
  );
  return { attempt: retry.attempt, verdict: { ...verdict, proof }, ...end };
}

function retryAfter(
  facts: RunFacts,
  last: AttemptFacts,
  { category, byNode, endedAt }: Pick<FoundFailure, "category" | "byNode"> & { readonly endedAt: number },
): RunVerdict["retry"] {
  if (HOPELESS.has(category) || last.jobGoneAt !== undefined) return undefined;
  const annotations = last.job.metadata.annotations ?? {};
  const first = facts.attempts[0]?.attempt ?? last.attempt;
  const free = numberIn(annotations[ANNOTATIONS.freeAttempts]) ?? 0;
  const suspensions = facts.attempts.slice(1).reduce((sum, { job }) => sum + suspendedPods(job).length, 0);
  const used = Math.max(0, last.attempt - first - suspensions - free);
  const attempt = last.attempt + 1;
  if ((INFRASTRUCTURE.has(category) || byNode === true) && free === 0)
    return { attempt, free: 1, dueAt: endedAt + OWN_PAUSE_MS };
  if (used >= (numberIn(annotations[ANNOTATIONS.retries]) ?? 0)) return undefined;
  const seconds = numberIn(annotations[ANNOTATIONS.retryDelaySeconds]);
  const pauseMs = seconds === undefined ? OWN_PAUSE_MS : seconds * 1000;
  return { attempt, free, dueAt: endedAt + pauseMs };
}

function isStopped(last: AttemptFacts): boolean {
  return last.job.metadata.annotations?.[ANNOTATIONS.stopRequestedAt] !== undefined;
}

/** The run was stopped while it waited for its next attempt. */
function stoppedInstead(
  { failure: _, endPods: __, log: ___, ...rest }: EndedVerdict,
  last: AttemptFacts,
): EndedVerdict {
  return { ...rest, state: "stopped", proof: `Job ${last.job.metadata.name} was told to stop before another attempt` };
}

function isFinished(last: AttemptFacts): boolean {
  return conditionOf(last.job, "Failed") !== undefined || conditionOf(last.job, "Complete") !== undefined;
}

function reasonOf(verdict: EndedVerdict): string {
  const { failure } = verdict;
  return failure === undefined ? verdict.state : `${failure.category}: ${failure.summary}`;
}
