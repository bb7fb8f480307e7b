import type { Job, KubernetesObject } from "../../kubernetes/objects.ts";
import { anchorName, labelValue } from "./names.ts";

/** Labels: what objects are found by. Values hold ids, never anything of a configuration. */
export const LABELS = {
  managedBy: "app.kubernetes.io/managed-by",
  component: "app.kubernetes.io/component",
  /** The runner id as `labelValue` makes it: two runners side by side see only their own. */
  runner: "hybrid-runner/runner",
  pipelineId: "hybrid-runner/pipeline-id",
  pipelineType: "hybrid-runner/pipeline-type",
  /** Absent on what a CronJob makes: there the run's id is the UID of the Job of its first attempt. */
  runId: "hybrid-runner/run-id",
  attempt: "hybrid-runner/attempt",
  /** The Job controller's own label on pods: the UID of their Job. */
  jobUid: "batch.kubernetes.io/controller-uid",
  jobName: "batch.kubernetes.io/job-name",
  /** Of Kueue, on the Jobs that it queues: it suspends and resumes them. */
  kueueQueue: "kueue.x-k8s.io/queue-name",
} as const;

/** Annotations: facts that are kept with an object. Values are texts; times are epoch milliseconds. */
export const ANNOTATIONS = {
  pipelineName: "hybrid-runner/pipeline-name",
  fullyQualifiedName: "hybrid-runner/fully-qualified-name",
  /** Of a pipeline's object: which version it is. */
  generation: "hybrid-runner/generation",
  hash: "hybrid-runner/hash",
  /** Of a CronJob: hash of everything that made it, so that an equal one isn't written again. */
  manifestHash: "hybrid-runner/manifest-hash",
  /** The pipeline's time limit. The Job's own deadline is changed to end its pods, and another attempt needs the first one. */
  timeoutSeconds: "hybrid-runner/timeout-seconds",
  retries: "hybrid-runner/retries",
  retryDelaySeconds: "hybrid-runner/retry-delay-seconds",
  /** The run shall stop, since then. */
  stopRequestedAt: "hybrid-runner/stop-requested-at",
  /** The run was told of and gave way to that run of its pipeline, which was live. Beside `stopRequestedAt`, as the next one. */
  gaveWayTo: "hybrid-runner/gave-way-to",
  /** The same where nothing had been told of the run: if its program never began, it is a skipped fire and no run. */
  skippedFor: "hybrid-runner/skipped-for",
  /** The run never starts: a failure category. Its Job exists to say so. */
  notStarted: "hybrid-runner/not-started",
  /** The runner itself ended the run's pod: what it had found before, as JSON (ending-record.ts). */
  ending: "hybrid-runner/ending",
  /** Pods of the Job whose program had begun when the Job was suspended, by name with a blank between: an attempt each. */
  suspendedPods: "hybrid-runner/suspended-pods",
  /** So many attempts before this one were lost to the infrastructure and don't count as retries. */
  freeAttempts: "hybrid-runner/free-attempts",
  /** The gateway has the end and the log, since then: nothing of it is told again. */
  acknowledgedAt: "hybrid-runner/acknowledged-at",
} as const;

/** Value of `managedBy` on everything this program makes. */
export const MANAGER = "hybrid-runner";

/** Values of `component`. */
export const COMPONENTS = {
  run: "run",
  schedule: "schedule",
  pipeline: "pipeline",
  anchor: "anchor",
  record: "record",
  installation: "installation",
} as const;

/** Labels of everything one runner makes. */
export function ownLabels(runnerId: string, component: keyof typeof COMPONENTS): Readonly<Record<string, string>> {
  return {
    [LABELS.managedBy]: MANAGER,
    [LABELS.component]: COMPONENTS[component],
    [LABELS.runner]: labelValue(runnerId),
  };
}

/** Selects what one runner made; with a component only that. */
export function ownSelector(runnerId: string, component?: keyof typeof COMPONENTS): string {
  const own = `${LABELS.managedBy}=${MANAGER},${LABELS.runner}=${labelValue(runnerId)}`;
  return component === undefined ? own : `${own},${LABELS.component}=${COMPONENTS[component]}`;
}

/** True when the object's labels say that this runner made it. */
export function isOwn(object: KubernetesObject, runnerId: string): boolean {
  const labels = object.metadata.labels ?? {};
  return labels[LABELS.managedBy] === MANAGER && labels[LABELS.runner] === labelValue(runnerId);
}

/** What a Job shares with the template of its pods. */
const OF_JOBS = [
  LABELS.managedBy,
  LABELS.component,
  LABELS.runner,
  LABELS.pipelineId,
  LABELS.pipelineType,
  LABELS.runId,
  LABELS.attempt,
] as const;

/** Those of our labels that somebody has taken off the Job, or changed: the template of its pods has them and never changes. */
export function lostLabels({ metadata, spec }: Job): Readonly<Record<string, string>> {
  const made = spec.template.metadata?.labels ?? {};
  const entries = OF_JOBS.map((name) => [name, made[name]] as const);
  return Object.fromEntries(
    entries.flatMap(([name, value]) =>
      value === undefined || value === metadata.labels?.[name] ? [] : [[name, value]],
    ),
  );
}

/** The Job's labels, with those that it has lost. */
export function jobLabels(job: Job): Readonly<Record<string, string>> {
  return { ...job.metadata.labels, ...lostLabels(job) };
}

/** True when the object has all these labels, others beside them or not. */
export function hasLabels({ metadata }: KubernetesObject, labels: Readonly<Record<string, string>> = {}): boolean {
  return Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value);
}

/** True when this runner made the object, whatever has become of its labels: its owner says so too. */
export function belongsTo(object: KubernetesObject, runnerId: string): boolean {
  const anchor = anchorName(runnerId);
  const owners = object.metadata.ownerReferences ?? [];
  return isOwn(object, runnerId) || owners.some(({ kind, name }) => kind === "ConfigMap" && name === anchor);
}

/** True when the object's labels name another runner. */
export function isOfAnother(object: KubernetesObject, runnerId: string): boolean {
  const { [LABELS.managedBy]: manager, [LABELS.runner]: runner } = object.metadata.labels ?? {};
  return manager === MANAGER && runner !== undefined && runner !== labelValue(runnerId);
}
