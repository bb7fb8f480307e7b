import { clip } from "../../../base/clip.ts";
import type { KubernetesEvent } from "../../../kubernetes/objects.ts";
import { FAILURE_CATEGORIES } from "../../../protocol/failure-category.ts";
import { LIMITS } from "../../../protocol/limits.ts";
import type { Failure, LogEnd, RunReport } from "../../../protocol/messages.ts";
import { eventTime } from "../judge/facts.ts";
import type { AttemptVerdict, EndedVerdict, FoundFailure } from "../judge/verdict.ts";

/** The facts about a run that every report repeats. */
export interface RunKey {
  readonly runId: string;
  readonly pipelineId: string;
  readonly attempt: number;
}

/** What is captured of an ended run before anything of it is removed. */
export interface Evidence {
  /** Absent when the log isn't complete. */
  readonly log?: LogEnd;
  readonly logTail: readonly string[];
  readonly events: readonly string[];
}

/** The report of a run that goes on. */
export function liveReport(run: RunKey, verdict: Exclude<AttemptVerdict, EndedVerdict>): RunReport {
  if (verdict.state === "running") return { ...run, state: "running", startedAt: verdict.startedAt };
  return { ...run, state: "queued", ...(verdict.waiting === undefined ? {} : { waiting: clip(verdict.waiting, 500) }) };
}

/** The terminal report of a run, cut to the limits of the protocol so that it can always be sent. */
export function endReport(run: RunKey, verdict: EndedVerdict, evidence: Evidence): RunReport {
  return {
    ...run,
    state: verdict.state,
    ...(verdict.startedAt === undefined ? {} : { startedAt: verdict.startedAt }),
    endedAt: verdict.endedAt,
    ...(verdict.exitCode === undefined ? {} : { exitCode: verdict.exitCode }),
    proof: clip(verdict.proof, 500),
    ...(verdict.failure === undefined ? {} : { failure: failureOf(verdict.failure, evidence) }),
    ...(evidence.log === undefined ? {} : { log: evidence.log }),
  };
}

/** An event as a line: when, how urgent, whose, what, how often. */
export function eventLine(event: KubernetesEvent): string {
  const time = eventTime(event);
  const when = time === 0 ? "" : `${new Date(time).toISOString()} `;
  const { kind = "object", name = "" } = event.involvedObject;
  const often = event.count !== undefined && event.count > 1 ? ` (${event.count} times)` : "";
  const what = `${event.reason ?? "no reason"}: ${event.message ?? ""}`;
  return clip(`${when}${event.type ?? "Normal"} ${kind.toLowerCase()}/${name} ${what}${often}`, 500);
}

/** Lines of the newest events, oldest first. */
export function eventLines(events: readonly KubernetesEvent[]): readonly string[] {
  return [...events]
    .sort((one, other) => eventTime(one) - eventTime(other))
    .slice(-LIMITS.failureEvents)
    .map(eventLine);
}

function failureOf(failure: FoundFailure, { logTail, events }: Evidence): Failure {
  return {
    category: failure.category,
    summary: clip(failure.summary, 500),
    ...(failure.detail === undefined ? {} : { detail: clip(failure.detail, 4000) }),
    advice: clip(failure.advice ?? FAILURE_CATEGORIES[failure.category], 500),
    logTail: logTail.slice(-LIMITS.failureLogLines).map((line) => clip(line, 2000)),
    ...(events.length === 0 ? {} : { events: [...events] }),
  };
}
