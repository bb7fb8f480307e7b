import { type Clock, withLimit } from "../base/clock.ts";
import type { ConnectionStatus } from "../connection/runner-side.ts";
import type { Executor, ExecutorHealth } from "../executor/executor.ts";

/** Why a runner isn't ready, as `/readyz` says it: a word for programs with a sentence for people. */
export const READINESS_WORDS = {
  starting: "the runner is starting and has not dialled its gateway yet",
  draining: "the runner is shutting down and takes no new run",
  disconnected: "there is no session with the gateway; the runner dials until there is one",
  auth_rejected:
    "the gateway refuses the token, or there is none; check AUTH_TOKEN or the file that AUTH_TOKEN_FILE names",
  standby: "a newer process of this installation has the session; this one takes over when that one ends",
  runner_id_in_use:
    "the runner id is bound to another installation; give this runner an id of its own, or have an administrator rebind it",
  unsupported_version: "runner and gateway have no protocol version in common; update the older one",
  gateway_full: "the gateway takes no more sessions for now",
  retired: "an administrator removed this runner for good; it doesn't dial again",
  executor_absent: "EXECUTOR_TYPE names an executor that this version doesn't have; every run is refused",
  executor_unhealthy: "the executor says that no run could be started now",
} as const;

export type ReadinessWord = keyof typeof READINESS_WORDS;

const WORDS_BY_REASON: Readonly<Record<string, ReadinessWord>> = {
  unauthorized: "auth_rejected",
  runnerIdInUse: "runner_id_in_use",
  unsupportedVersion: "unsupported_version",
  tooMany: "gateway_full",
  retired: "retired",
};

/** A probe comes every few seconds; a disk need not be tried each time. */
const HEALTH_KEPT_MS = 10_000;
const HEALTH_LIMIT_MS = 2_000;

/** What readiness is judged by. */
export interface ReadinessSources {
  readonly connection: () => ConnectionStatus;
  readonly isDraining: () => boolean;
  readonly executor: Pick<Executor, "check">;
  /** True when the executor only stands in for one that isn't in this version. */
  readonly executorIsAbsent: boolean;
  readonly clock: Clock;
}

/** Makes the answer to "why is this runner not ready?": one line `word: sentence` for each reason, the most important first. */
export function readiness(sources: ReadinessSources): () => Promise<readonly string[]> {
  const health = keptHealth(sources);
  return async () => {
    const { healthy, message } = await health();
    const lines: string[] = [];
    if (sources.isDraining()) lines.push(line("draining"));
    const word = connectionWord(sources.connection());
    if (word !== undefined && !(sources.isDraining() && word === "draining")) lines.push(line(word));
    if (sources.executorIsAbsent) lines.push(line("executor_absent"));
    else if (!healthy) lines.push(`executor_unhealthy: ${message.replaceAll("\n", " ")}`);
    return lines;
  };
}

/** The word for where the connection stands; undefined when there is a session in step. */
export function connectionWord({ state, reason = "" }: ConnectionStatus): ReadinessWord | undefined {
  if (state === "ready") return undefined;
  if (state === "idle") return "starting";
  if (state === "standby") return "standby";
  const known = Object.hasOwn(WORDS_BY_REASON, reason) ? WORDS_BY_REASON[reason] : undefined;
  return known ?? (state === "closed" ? "draining" : "disconnected");
}

function line(word: ReadinessWord): string {
  return `${word}: ${READINESS_WORDS[word]}`;
}

function keptHealth({ executor, clock }: ReadinessSources): () => Promise<ExecutorHealth> {
  let kept: { readonly at: number; readonly health: Promise<ExecutorHealth> } | undefined;
  return () => {
    if (kept === undefined || clock.monotonic() - kept.at >= HEALTH_KEPT_MS)
      kept = { at: clock.monotonic(), health: executor.check() };
    const late = new Error(`the executor does not answer within ${HEALTH_LIMIT_MS} ms`);
    return withLimit(clock, HEALTH_LIMIT_MS, kept.health, () => late).catch((error: Error) => ({
      healthy: false,
      message: error.message,
    }));
  };
}
