import type { ContainerState, Job, Pod } from "../../../kubernetes/objects.ts";
import { crashBy } from "../../../protocol/crash-signals.ts";
import { type EndStatement, readEndStatement } from "../../../protocol/end-statement.ts";
import type { FailureCategory } from "../../../protocol/failure-category.ts";
import { MAIN } from "../template/pod-names.ts";
import { isNodeTrouble } from "./disruption.ts";
import { timeOf } from "./facts.ts";
import type { FoundFailure } from "./verdict.ts";

type Terminated = NonNullable<ContainerState["terminated"]>;

/** Signals that a program or the kernel ends a program with; a shell and the kubelet tell them as exit code 128 + number. */
const SIGNALS: Readonly<Record<number, string>> = {
  1: "SIGHUP",
  2: "SIGINT",
  3: "SIGQUIT",
  4: "SIGILL",
  5: "SIGTRAP",
  6: "SIGABRT",
  7: "SIGBUS",
  8: "SIGFPE",
  9: "SIGKILL",
  11: "SIGSEGV",
  13: "SIGPIPE",
  14: "SIGALRM",
  15: "SIGTERM",
  31: "SIGSYS",
};

/** Reasons of a container whose program could not be started. */
const NOT_STARTED: ReadonlySet<string> = new Set(["StartError", "ContainerCannotRun", "CreateContainerError"]);

/** The container runtime saw the kernel kill a process of the container, be it the first or another one. */
const OOM_KILLED = "OOMKilled";

/** The kubelet knows that the container has ended and not how. */
export const UNKNOWN_END = "ContainerStatusUnknown";

/** How the program of a container ended that nobody interrupted. */
export interface ProgramEnd {
  readonly exitCode?: number;
  readonly startedAt?: number;
  readonly endedAt: number;
  readonly proof: string;
  readonly statement?: EndStatement;
  /** Absent after exit code 0. */
  readonly failure?: FoundFailure;
}

/** Reads the end of container `main`. */
export function readProgramEnd(pod: Pod, job: Job, terminated: Terminated, now: number): ProgramEnd {
  const statement = readEndStatement(terminated.message);
  const startedAt = timeOf(terminated.startedAt);
  const failure = terminated.exitCode === 0 ? undefined : failureOf(pod, terminated, statement);
  // An exit code is the program's own only when it was started and not killed.
  const exited =
    failure === undefined ||
    failure.category === "ExitCode" ||
    (statement?.exitCode !== undefined && !statement.signal);
  return {
    ...(exited && terminated.reason !== UNKNOWN_END ? { exitCode: terminated.exitCode } : {}),
    ...(startedAt === undefined || startedAt === 0 ? {} : { startedAt }),
    endedAt: timeOf(terminated.finishedAt) || now,
    proof: `exit code ${terminated.exitCode} of container ${MAIN} in pod ${pod.metadata.name} of Job ${job.metadata.name}${failure === undefined ? killsText(terminated, statement) : ""}`,
    ...(statement === undefined ? {} : { statement }),
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Why an init container kept the program from being started. */
export function initFailure(pod: Pod): (FoundFailure & { readonly endedAt?: number }) | undefined {
  for (const status of pod.status?.initContainerStatuses ?? []) {
    const terminated = status.state?.terminated;
    if (terminated === undefined || terminated.exitCode === 0) continue;
    const endedAt = timeOf(terminated.finishedAt);
    const at = endedAt === undefined ? {} : { endedAt };
    if (terminated.reason === OOM_KILLED) return { ...outOfMemory(pod, status.name), ...at };
    const detail = describe(pod, status.name, terminated);
    if (isUnmanaged(terminated)) return { ...notManaged(`init container ${status.name}`, detail), ...at };
    return {
      category: "StartFailed",
      summary: `init container ${status.name} failed with exit code ${terminated.exitCode}, so the program was not started`,
      detail,
      advice: `See the log of container ${status.name}; the one that copies the wrapper needs room for it in the pod's ephemeral storage`,
      ...at,
    };
  }
  return undefined;
}

function failureOf(pod: Pod, terminated: Terminated, statement: EndStatement | undefined): FoundFailure {
  const { exitCode, reason } = terminated;
  if (reason === OOM_KILLED) return outOfMemory(pod, MAIN);
  if (statement?.category !== undefined) {
    const { category, summary, detail, advice } = statement;
    return {
      category,
      summary: summary ?? "the program was not started",
      ...(detail === undefined ? {} : { detail }),
      ...(advice === undefined ? {} : { advice }),
    };
  }
  const detail = `${describe(pod, MAIN, terminated, statement)}${killsText(terminated, statement)}`;
  if (reason === UNKNOWN_END) return found("Lost", "the node can't tell how the container ended", detail);
  if (isUnmanaged(terminated)) return notManaged("the program", detail);
  if (reason !== undefined && NOT_STARTED.has(reason))
    return found("StartFailed", "the program could not be started", detail);
  const signal = statement?.signal ?? (statement?.exitCode === undefined ? SIGNALS[exitCode - 128] : undefined);
  if (signal === "SIGKILL" && (statement?.memoryKills ?? 0) > 0) return outOfMemory(pod, MAIN);
  if (signal !== undefined) {
    const crash = crashBy(signal);
    if (crash !== undefined) return { ...found("Killed", `the program ${crash.words}`, detail), advice: crash.advice };
    const unproved = signal === "SIGKILL" ? "; the cluster doesn't tell that memory was the reason" : "";
    return found("Killed", `the program was ended by ${signal}${unproved}`, detail);
  }
  return found("ExitCode", `the program ended with exit code ${exitCode}`, detail);
}

function isUnmanaged({ reason = "", message = "" }: Terminated): boolean {
  return NOT_STARTED.has(reason) && isNodeTrouble(message);
}

function notManaged(what: string, detail: string): FoundFailure {
  return {
    ...found("StartFailed", `the node did not manage to start ${what}`, detail),
    advice: "Give the node less to do at once, or more processor time; its container runtime's log says more",
    byNode: true,
  };
}

/** That the kernel killed a process of the container, though its first one may have ended as if nothing had been. */
function killsText({ reason }: Terminated, statement: EndStatement | undefined): string {
  const kills = statement?.memoryKills ?? 0;
  if (kills === 0 && reason !== OOM_KILLED) return "";
  const what = kills > 1 ? `${kills} processes` : "a process";
  return `; the kernel killed ${what} of the container for lack of memory while it ran`;
}

function found(category: FailureCategory, summary: string, detail: string): FoundFailure {
  return { category, summary, detail };
}

function outOfMemory(pod: Pod, container: string): FoundFailure {
  const all = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])];
  const limit = all.find(({ name }) => name === container)?.resources?.limits?.["memory"];
  const limited =
    limit === undefined ? "no limit of its own: the node ran out of memory" : `its memory limit is ${limit}`;
  return {
    category: "OOMKilled",
    summary: `container ${container} used more memory than it may: ${limited}`,
    detail: `reason OOMKilled of container ${container}; memory limit ${limit ?? "none"}; ${whereabouts(pod)}`,
  };
}

function describe(pod: Pod, container: string, terminated: Terminated, statement?: EndStatement): string {
  const { exitCode, reason, message } = terminated;
  const words = statement === undefined && message !== undefined && message !== "" ? `; ${message.trim()}` : "";
  const named = reason === undefined || reason === "Error" ? "" : `, reason ${reason}`;
  return `container ${container}: exit code ${exitCode}${named}; ${whereabouts(pod)}${words}`;
}

/** Pod and node, for details. */
export function whereabouts(pod: Pod): string {
  const node = pod.spec.nodeName;
  return `pod ${pod.metadata.name}${node === undefined ? ", on no node" : ` on node ${node}`}`;
}
