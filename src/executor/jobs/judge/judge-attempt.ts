import type { Job, KubernetesEvent } from "../../../kubernetes/objects.ts";
import { disruptionOf } from "../../pods/judge/disruption.ts";
import { type EndingRecord, readEnding } from "../../pods/judge/ending-record.ts";
import {
  type AttemptFacts,
  conditionOf,
  containerState,
  currentPod,
  deletionAskedAt,
  eventTime,
  isSuspended,
  numberIn,
  type SeenPod,
  timeOf,
} from "../../pods/judge/facts.ts";
import { initFailure, type ProgramEnd, readProgramEnd, UNKNOWN_END, whereabouts } from "../../pods/judge/judge-exit.ts";
import { judgeLostNode } from "../../pods/judge/lost-node.ts";
import { type AttemptVerdict, type EndedVerdict, type FoundFailure, failed } from "../../pods/judge/verdict.ts";
import { ANNOTATIONS } from "../../pods/labels.ts";
import { MAIN } from "../../pods/template/pod-names.ts";
import { jobDeleted, overTime, podLost, suspendedTooLong } from "./found-failures.ts";
import { judgeStart } from "./judge-start.ts";

/** The Job controller is given so long to say why it, or somebody, ended a pod. */
const JOB_WORD_MS = 10_000;

/** What an attempt has come to by what is known of it now. Success needs proof, everything else a reason (design §2.5). */
export function judgeAttempt(facts: AttemptFacts, now: number, startTimeoutMs: number): AttemptVerdict {
  const seen = currentPod(facts.pods);
  const terminated = containerState(seen?.pod, MAIN)?.terminated;
  const end = seen && terminated ? readProgramEnd(seen.pod, facts.job, terminated, now) : undefined;
  const byItself = seen !== undefined && end !== undefined && !wasInterrupted(facts, seen, end);
  if (byItself && end.failure === undefined) return ofProgram(end, seen, facts);
  const recorded = readEnding(facts.job.metadata.annotations?.[ANNOTATIONS.ending]);
  if (recorded !== undefined) return ofRecord(recorded, facts);
  if (facts.job.metadata.annotations?.[ANNOTATIONS.notStarted] !== undefined) return neverStarted(facts.job, now);
  if (byItself) return ofProgram(end, seen, facts);
  if (end?.statement?.category !== undefined && seen !== undefined && stopOf(facts.job) === undefined)
    return ofProgram(end, seen, facts);
  return judgeInterrupted(facts, seen, end, now) ?? judgeLive(facts, seen, now, startTimeoutMs);
}

/** True when the program of this pod came to an end that nobody else brought about. */
export function endedByItself(facts: AttemptFacts, seen: SeenPod): boolean {
  const terminated = containerState(seen.pod, MAIN)?.terminated;
  return terminated !== undefined && !wasInterrupted(facts, seen, readProgramEnd(seen.pod, facts.job, terminated, 0));
}

/** A container that ended after somebody had begun to end its pod didn't end by itself, whatever its exit code. */
function wasInterrupted(facts: AttemptFacts, seen: SeenPod, end: ProgramEnd): boolean {
  const { pod } = seen;
  const asked = seen.deletionAskedAt ?? deletionAskedAt(pod);
  // The API's times are whole seconds: within the same one nobody knows what was first.
  if (asked !== undefined && (asked <= end.endedAt || end.failure?.category === "Killed")) return true;
  if (containerState(pod, MAIN)?.terminated?.reason === UNKNOWN_END) return true;
  if (disruptionOf(pod, []) !== undefined) return true;
  const isLeaving = asked !== undefined || seen.goneAt !== undefined;
  if (isLeaving && facts.events.some((event) => isStopping(event) && eventTime(event) <= end.endedAt)) return true;
  const stopAt = stopOf(facts.job);
  return stopAt !== undefined && floorSecond(stopAt) <= end.endedAt && end.failure?.category === "Killed";
}

/** The kubelet's word that it ends the program. */
function isStopping({ reason, message, involvedObject }: KubernetesEvent): boolean {
  return involvedObject.kind === "Pod" && reason === "Killing" && message === `Stopping container ${MAIN}`;
}

function ofProgram(end: ProgramEnd, { pod }: SeenPod, facts: AttemptFacts): EndedVerdict {
  const { log, secretReads } = end.statement ?? {};
  const common = {
    ...timesOf(end),
    proof: end.proof,
    pod: pod.metadata.name,
    ...(log === undefined ? {} : { log }),
    ...(secretReads === undefined ? {} : { secretReads }),
    ...(hasSideCars(facts, pod.status?.phase) ? { endPods: "nothing" as const } : {}),
  };
  return end.failure === undefined ? { state: "success", ...common } : failed(end.failure, common);
}

/** The program has ended and the pod goes on: only side-cars are left in it. */
function hasSideCars(facts: AttemptFacts, phase: string | undefined): boolean {
  const seen = currentPod(facts.pods);
  if (seen === undefined || seen.goneAt !== undefined || seen.pod.metadata.deletionTimestamp !== undefined)
    return false;
  const others = seen.pod.status?.containerStatuses?.filter(({ name, state }) => name !== MAIN && state?.running);
  return phase === "Running" && others !== undefined && others.length > 0;
}

function ofRecord(record: EndingRecord, facts: AttemptFacts): AttemptVerdict {
  if (record.await === "pods" && !podsEnded(facts))
    return { state: "queued", waiting: `being ended: ${record.category}: ${record.summary ?? ""}` };
  if (stopOf(facts.job) !== undefined && record.await === "pods")
    return stopped(facts, currentPod(facts.pods), { endedAt: record.at });
  const { at, startedAt, exitCode, proof, pod, category, summary, detail, advice } = record;
  const common = {
    endedAt: at,
    proof,
    ...(startedAt === undefined ? {} : { startedAt }),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(pod === undefined ? {} : { pod }),
  };
  if (record.state === "success") return { state: "success", ...common };
  const failure: FoundFailure = {
    category: category ?? "Lost",
    summary: summary ?? "the runner ended the pod",
    ...(detail === undefined ? {} : { detail }),
    ...(advice === undefined ? {} : { advice }),
  };
  return failed(failure, common);
}

function neverStarted(job: Job, now: number): EndedVerdict {
  return failed(
    { category: "StartTimeout", summary: "the time by which the run had to start was over before it could be started" },
    {
      endedAt: timeOf(job.metadata.creationTimestamp) ?? now,
      proof: `Job ${job.metadata.name} was made to say that the run never starts`,
    },
  );
}

/** The verdict on a pod or Job that was ended from outside; undefined while that isn't so, or is still going on. */
function judgeInterrupted(
  facts: AttemptFacts,
  seen: SeenPod | undefined,
  end: ProgramEnd | undefined,
  now: number,
): AttemptVerdict | undefined {
  const { job, events } = facts;
  const finished = conditionOf(job, "Failed") ?? (facts.jobGoneAt === undefined ? undefined : goneCondition(facts));
  const target = finished ?? conditionOf(job, "FailureTarget");
  const stopAt = stopOf(job);
  if (!podsEnded(facts)) return undefined;
  const complete = conditionOf(job, "Complete");
  const isComplete = complete !== undefined && end === undefined;
  if (stopAt !== undefined && !(isComplete && endOf(facts, now) < floorSecond(stopAt)))
    return (finished ?? complete) === undefined && !isSuspended(job) ? undefined : stopped(facts, seen, end);
  const common = {
    ...(end === undefined ? { ...startOf(seen), endedAt: endOf(facts, now) } : timesOf(end)),
    ...(seen === undefined ? {} : { pod: seen.pod.metadata.name }),
    ...(end?.statement?.log === undefined ? {} : { log: end.statement.log }),
  };
  const proof = end?.proof ?? proofOf(facts);
  const disruption = seen === undefined ? undefined : disruptionOf(seen.pod, events);
  if (disruption !== undefined && seen !== undefined) {
    const detail = `${disruption.detail}; ${whereabouts(seen.pod)}`;
    return failed({ category: disruption.category, summary: disruption.summary, detail }, { ...common, proof });
  }
  if (isComplete)
    return { state: "success", ...common, endedAt: endOf(facts, now), exitCode: 0, proof: completeProof(job) };
  const init = seen === undefined ? undefined : initFailure(seen.pod);
  if (init !== undefined && target?.reason !== "DeadlineExceeded") {
    const { endedAt, ...failure } = init;
    return failed(failure, { ...common, endedAt: endedAt ?? common.endedAt, proof });
  }
  if (target?.reason === "DeadlineExceeded")
    return failed(suspendedTooLong(job) ?? overTime(facts, seen, now), { ...common, proof });
  if (facts.jobGoneAt !== undefined || job.metadata.deletionTimestamp !== undefined)
    return failed(jobDeleted(facts, seen), { ...common, proof });
  if (finished === undefined && (isSuspended(job) || !isOver(facts, seen, now))) return undefined;
  return failed(podLost(facts, seen, end), { ...common, proof });
}

function judgeLive(
  facts: AttemptFacts,
  seen: SeenPod | undefined,
  now: number,
  startTimeoutMs: number,
): AttemptVerdict {
  const running = containerState(seen?.pod, MAIN)?.running;
  const terminated = containerState(seen?.pod, MAIN)?.terminated;
  const startedAt = timeOf((running ?? terminated)?.startedAt);
  const wordAt = endedPodSince(facts, seen);
  const lookAt = wordAt === undefined || wordAt + JOB_WORD_MS < now ? undefined : wordAt + JOB_WORD_MS;
  if (seen !== undefined && (running !== undefined || (terminated !== undefined && startedAt))) {
    const lost = judgeLostNode(facts, seen.pod, startedAt ?? now, now);
    if (lost?.ended !== undefined) return lost.ended;
    const at = lost?.lookAt ?? lookAt;
    const pod = seen.pod.metadata.name;
    return { state: "running", startedAt: startedAt ?? now, pod, ...(at === undefined ? {} : { lookAt: at }) };
  }
  if (stopOf(facts.job) !== undefined) return { state: "queued", waiting: "being stopped before it started" };
  if ((wordAt !== undefined && !isSuspended(facts.job)) || facts.jobGoneAt !== undefined)
    return { state: "queued", ...(lookAt === undefined ? {} : { lookAt }) };
  return judgeStart(facts, seen, now, startTimeoutMs);
}

function stopped(
  facts: AttemptFacts,
  seen: SeenPod | undefined,
  { endedAt, statement }: Partial<Pick<ProgramEnd, "endedAt" | "statement">> = {},
): EndedVerdict {
  const { job } = facts;
  return {
    state: "stopped",
    ...startOf(seen),
    endedAt: endedAt ?? endOf(facts, stopOf(job) ?? 0),
    proof: `Job ${job.metadata.name} was told to stop${becauseOf(job)}, and ${seen === undefined ? "never had a pod" : "its pod has ended"}`,
    ...(seen === undefined ? {} : { pod: seen.pod.metadata.name }),
    ...(statement?.log === undefined ? {} : { log: statement.log }),
  };
}

function becauseOf({ metadata: { annotations = {} } }: Job): string {
  const other = annotations[ANNOTATIONS.gaveWayTo] ?? annotations[ANNOTATIONS.skippedFor];
  return other === undefined ? "" : `, because run ${other} of its pipeline was live when the schedule fired`;
}

/** True when no program of the attempt runs any more, and none can start in a pod that is there. */
export function podsEnded(facts: AttemptFacts): boolean {
  return facts.pods.every(({ pod, goneAt }) => {
    if (goneAt !== undefined) return true;
    const phase = pod.status?.phase;
    return phase === "Failed" || phase === "Succeeded" || containerState(pod, MAIN)?.terminated !== undefined;
  });
}

/** The pod has ended, and the Job says nothing: since when. */
function endedPodSince(facts: AttemptFacts, seen: SeenPod | undefined): number | undefined {
  if (seen === undefined || !podsEnded(facts)) return undefined;
  return (
    seen.goneAt ?? timeOf(containerState(seen.pod, MAIN)?.terminated?.finishedAt) ?? timeOf(seen.pod.status?.startTime)
  );
}

function isOver(facts: AttemptFacts, seen: SeenPod | undefined, now: number): boolean {
  const since = endedPodSince(facts, seen);
  return since !== undefined && now - since >= JOB_WORD_MS;
}

function goneCondition(facts: AttemptFacts): { readonly reason: string; readonly message: string } {
  return { reason: "Gone", message: `Job ${facts.job.metadata.name} is gone` };
}

function proofOf(facts: AttemptFacts): string {
  const { job } = facts;
  if (facts.jobGoneAt !== undefined) return `Job ${job.metadata.name} is gone`;
  const condition = conditionOf(job, "Failed") ?? conditionOf(job, "FailureTarget");
  if (condition !== undefined) return `condition ${condition.type} of Job ${job.metadata.name}: ${condition.reason}`;
  return `no pod of Job ${job.metadata.name} is alive`;
}

function completeProof(job: Job): string {
  return `condition Complete of Job ${job.metadata.name}: exit code 0, by the Job controller's word; its pod is gone`;
}

function timesOf(end: ProgramEnd): {
  readonly startedAt?: number;
  readonly endedAt: number;
  readonly exitCode?: number;
} {
  const { startedAt, endedAt, exitCode } = end;
  return {
    ...(startedAt === undefined ? {} : { startedAt }),
    endedAt,
    ...(exitCode === undefined ? {} : { exitCode }),
  };
}

function startOf(seen: SeenPod | undefined): { readonly startedAt?: number } {
  const state = containerState(seen?.pod, MAIN);
  const startedAt = timeOf((state?.running ?? state?.terminated)?.startedAt);
  return startedAt === undefined || startedAt === 0 ? {} : { startedAt };
}

function endOf(facts: AttemptFacts, now: number): number {
  const { job } = facts;
  const condition = conditionOf(job, "Complete") ?? conditionOf(job, "Failed") ?? conditionOf(job, "FailureTarget");
  return timeOf(job.status?.completionTime) ?? timeOf(condition?.lastTransitionTime) ?? facts.jobGoneAt ?? now;
}

function stopOf(job: Job): number | undefined {
  return numberIn(job.metadata.annotations?.[ANNOTATIONS.stopRequestedAt]);
}

function floorSecond(time: number): number {
  return Math.floor(time / 1000) * 1000;
}
