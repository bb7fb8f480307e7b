import { judgeRun, type RunVerdict } from "../../../../src/executor/jobs/judge/judge-run.ts";
import { slimJob, slimPod } from "../../../../src/executor/jobs/slim.ts";
import type { AttemptFacts, RunFacts, SeenPod } from "../../../../src/executor/pods/judge/facts.ts";
import { LABELS } from "../../../../src/executor/pods/labels.ts";
import type { Condition, ContainerState, Job, KubernetesEvent, Pod } from "../../../../src/kubernetes/objects.ts";

/** When the runs of these tests were made. */
export const CREATED: number = Date.parse("2026-03-01T10:00:00Z");
export const RUN_ID = "11111111-2222-4333-8444-555555555555";

/** An RFC 3339 time, so many seconds after the Job was made. */
export function at(seconds: number): string {
  return new Date(CREATED + seconds * 1000).toISOString().replace(".000Z", "Z");
}

/** What a test says of a Job. */
export interface JobParts {
  readonly attempt?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly conditions?: readonly Condition[];
  readonly timeoutSeconds?: number;
  readonly failed?: number;
  readonly deletionTimestamp?: string;
  readonly completionTime?: string;
  readonly suspend?: boolean;
  readonly startTime?: string;
  readonly queue?: string;
}

export function job(parts: JobParts = {}): Job {
  const { attempt = 1, annotations = {}, conditions = [], timeoutSeconds, failed, deletionTimestamp } = parts;
  const name = attempt === 1 ? `hr-${RUN_ID}` : `hr-${RUN_ID}-${attempt}`;
  return slimJob({
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      uid: `job-${attempt}`,
      resourceVersion: "1",
      creationTimestamp: at(0),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      labels: {
        [LABELS.runId]: RUN_ID,
        [LABELS.attempt]: String(attempt),
        [LABELS.pipelineId]: "p",
        ...(parts.queue === undefined ? {} : { [LABELS.kueueQueue]: parts.queue }),
      },
      annotations,
    },
    spec: {
      template: { spec: { containers: [{ name: "main" }] } },
      ...(timeoutSeconds === undefined ? {} : { activeDeadlineSeconds: timeoutSeconds }),
      ...(parts.suspend === undefined ? {} : { suspend: parts.suspend }),
    },
    status: {
      conditions,
      ...(failed === undefined ? {} : { failed }),
      ...(parts.completionTime === undefined ? {} : { completionTime: parts.completionTime }),
      ...(parts.startTime === undefined ? {} : { startTime: parts.startTime }),
    },
  });
}

/** What a test says of a pod. */
export interface PodParts {
  readonly main?: ContainerState;
  readonly init?: ContainerState;
  readonly sideCar?: ContainerState;
  readonly phase?: "Pending" | "Running" | "Succeeded" | "Failed";
  readonly reason?: string;
  readonly message?: string;
  readonly conditions?: readonly Condition[];
  readonly image?: string;
  readonly memory?: string;
  readonly pullSecrets?: readonly string[];
  /** Deletion was asked for after so many seconds, with a grace of 30 s unless said otherwise. */
  readonly deletedAt?: number;
  readonly grace?: number;
  readonly attempt?: number;
}

export function pod(parts: PodParts = {}): Pod {
  const { main, init, sideCar, phase = "Running", reason, message, conditions = [], memory, pullSecrets = [] } = parts;
  const { deletedAt, grace = 30, attempt = 1, image = "test.local/ingestion:1" } = parts;
  const jobName = attempt === 1 ? `hr-${RUN_ID}` : `hr-${RUN_ID}-${attempt}`;
  const limits = memory === undefined ? {} : { resources: { limits: { memory } } };
  return slimPod({
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: `${jobName}-abcde`,
      uid: `pod-${attempt}`,
      resourceVersion: "1",
      creationTimestamp: at(0),
      ...(deletedAt === undefined
        ? {}
        : { deletionTimestamp: at(deletedAt + grace), deletionGracePeriodSeconds: grace }),
      labels: { [LABELS.runId]: RUN_ID, [LABELS.jobName]: jobName },
    },
    spec: {
      nodeName: "node-1",
      containers: [{ name: "main", image, ...limits }, ...(sideCar === undefined ? [] : [{ name: "mesh" }])],
      ...(init === undefined ? {} : { initContainers: [{ name: "wrapper", image: "runner:1", ...limits }] }),
      imagePullSecrets: pullSecrets.map((name) => ({ name })),
    },
    status: {
      phase,
      ...(reason === undefined ? {} : { reason }),
      ...(message === undefined ? {} : { message }),
      conditions,
      containerStatuses: [
        { name: "main", ...(main === undefined ? {} : { state: main }) },
        ...(sideCar === undefined ? [] : [{ name: "mesh", state: sideCar }]),
      ],
      ...(init === undefined ? {} : { initContainerStatuses: [{ name: "wrapper", state: init }] }),
    },
  });
}

/** An event told so many seconds after the Job was made. */
export function event(kind: "Job" | "Pod", reason: string, message: string, seconds = 1, count = 1): KubernetesEvent {
  const suffix = kind === "Pod" ? "-abcde" : "";
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: { name: `${reason}-${seconds}` },
    involvedObject: { kind, name: `hr-${RUN_ID}${suffix}` },
    reason,
    message,
    type: "Warning",
    count,
    lastTimestamp: at(seconds),
  };
}

export function running(seconds = 2): ContainerState {
  return { running: { startedAt: at(seconds) } };
}

export function waiting(reason: string, message?: string): ContainerState {
  return { waiting: { reason, ...(message === undefined ? {} : { message }) } };
}

export function ended(exitCode: number, reason = "Error", seconds = 10, message?: string): ContainerState {
  const words = message === undefined ? {} : { message };
  return { terminated: { exitCode, reason, startedAt: at(2), finishedAt: at(seconds), ...words } };
}

/** A condition of a Job or pod that holds. */
export function holds(type: string, reason: string, message = "", seconds = 10): Condition {
  return { type, status: "True", reason, message, lastTransitionTime: at(seconds) };
}

/** One attempt as it is seen. */
export function attemptOf(
  theJob: Job,
  pods: readonly (Pod | SeenPod)[] = [],
  events: readonly KubernetesEvent[] = [],
  jobGoneAt?: number,
): AttemptFacts {
  return {
    attempt: Number(theJob.metadata.labels?.[LABELS.attempt] ?? "1"),
    job: theJob,
    pods: pods.map((each) => ("pod" in each ? each : { pod: each })),
    events,
    ...(jobGoneAt === undefined ? {} : { jobGoneAt: CREATED + jobGoneAt * 1000 }),
  };
}

/** A pod that the API server has no more, since so many seconds after the Job was made. */
export function gone(thePod: Pod, seconds: number): SeenPod {
  return { pod: thePod, goneAt: CREATED + seconds * 1000 };
}

/** The verdict so many seconds after the Job was made. */
export function judged(
  attempts: AttemptFacts | readonly AttemptFacts[],
  seconds = 20,
  startTimeoutMs = 300_000,
  toldAttempt?: number,
): RunVerdict {
  const facts: RunFacts = {
    runId: RUN_ID,
    ...(toldAttempt === undefined ? {} : { toldAttempt }),
    attempts: "job" in attempts ? [attempts] : attempts,
    now: CREATED + seconds * 1000,
    startTimeoutMs,
  };
  return judgeRun(facts);
}
