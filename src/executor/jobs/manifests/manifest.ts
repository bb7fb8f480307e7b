import type { ConfigMap, CronJob, Job, JobSpec, OwnerReference, Secret } from "../../../kubernetes/objects.ts";
import { CONFIG_MAPS, CRON_JOBS, JOBS } from "../../../kubernetes/objects.ts";
import type { FailureCategory, PipelineBody } from "../../../protocol/messages.ts";
import { readCron } from "../../../protocol/schedule.ts";
import { sha256Hex } from "../../../runtime/crypto.ts";
import type { RunSpec } from "../../executor.ts";
import { numberIn } from "../../pods/judge/facts.ts";
import { ANNOTATIONS, jobLabels, LABELS, ownLabels } from "../../pods/labels.ts";
import { anchorName, labelValue, pipelineObjectName, runObjectName } from "../../pods/names.ts";
import { configObject } from "../../pods/template/config-object.ts";
import type { Manifest, PodOrder, Work } from "../../pods/template/materials.ts";
import { podTemplate } from "../../pods/template/pod-template.ts";
import { RUN_ID_OF_JOB, retryTemplate } from "../../pods/template/run-id.ts";
import { sortedJson } from "./sorted-json.ts";

export type { Manifest } from "../../pods/template/materials.ts";

/** A fire that couldn't happen for so long, because the cluster's controllers were away, is left out. */
const STARTING_DEADLINE_SECONDS = 300;

/** So many ended Jobs of a schedule the cluster leaves for the runner to report; acknowledged ones go by their time-to-live. */
const HISTORY_LIMIT = 50;

/** The smallest deadline that the API takes, for a Job that shall never run. */
const AT_ONCE_SECONDS = 1;

const FIRST_ATTEMPT = 1;

/** The Job of one attempt of a run. `runConfig` makes its configuration object, which has the same name and is made after it. */
export function runJob(m: Manifest, spec: RunSpec): Job {
  const name = runObjectName(spec.runId, spec.attempt);
  const labels = { ...workLabels(m, "run", spec), ...attemptLabels(spec.runId, spec.attempt) };
  return {
    apiVersion: JOBS.apiVersion,
    kind: JOBS.kind,
    metadata: { name, namespace: m.options.namespace, labels, annotations: workAnnotations(spec) },
    spec: jobSpec(m, spec, { work: spec, labels, configName: name, runId: { value: spec.runId } }),
  };
}

/** The same Job for a run that must not start any more: it exists to say why, and makes no pod. */
export function neverStartedJob(job: Job, category: FailureCategory): Job {
  const annotations = { ...job.metadata.annotations, [ANNOTATIONS.notStarted]: category };
  return {
    ...job,
    metadata: { ...job.metadata, annotations },
    spec: { ...job.spec, parallelism: 0, activeDeadlineSeconds: AT_ONCE_SECONDS },
  };
}

/** What the pods of a run read their configuration from. It belongs to the Job, which is given as the API server answered it. */
export function runConfig(m: Manifest, spec: RunSpec, job: Job): Secret | ConfigMap {
  const owner = {
    apiVersion: JOBS.apiVersion,
    kind: JOBS.kind,
    name: job.metadata.name,
    uid: job.metadata.uid ?? "",
    blockOwnerDeletion: false,
  };
  const labels = { ...workLabels(m, "run", spec), ...attemptLabels(spec.runId, spec.attempt) };
  return configObject(m, { name: job.metadata.name, labels, annotations: {}, config: spec.config, owner, fixed: true });
}

/**
 * The Job of a later attempt, made from the whole Job of an earlier one: the same pod with the same configuration object.
 * It has no owner, so that it outlives the CronJob whose run it goes on with. `runId` is the UID of the first Job where a
 * CronJob made that one.
 */
export function retryJob(previous: Job, runId: string, attempt: number): Job {
  const { namespace, annotations = {} } = previous.metadata;
  const labels = jobLabels(previous);
  const ours = attemptLabels(runId, attempt);
  const { pipelineName, fullyQualifiedName, timeoutSeconds, retries, retryDelaySeconds } = ANNOTATIONS;
  const deadline = numberIn(annotations[timeoutSeconds]);
  return {
    apiVersion: JOBS.apiVersion,
    kind: JOBS.kind,
    metadata: {
      name: runObjectName(runId, attempt),
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...only(labels, WORK_LABELS), ...ours },
      annotations: only(annotations, [pipelineName, fullyQualifiedName, timeoutSeconds, retries, retryDelaySeconds]),
    },
    spec: {
      ...ONE_POD,
      ...(deadline === undefined ? {} : { activeDeadlineSeconds: deadline }),
      template: retryTemplate(previous.spec.template, runId, ours),
    },
  };
}

/**
 * The CronJob of a pipeline with a schedule. Each run it starts has the UID of its Job as run id.
 * @throws RangeError when the pipeline has no schedule, or one that isn't valid: the caller has looked at it before
 */
export function scheduleCronJob(m: Manifest, body: PipelineBody, anchor: OwnerReference): CronJob {
  const reading = readCron(body.schedule?.cron ?? "");
  if (body.schedule === undefined || "mistake" in reading) throw new RangeError("a CronJob needs a schedule");
  const work = workOf(body);
  const name = pipelineObjectName(body.pipelineId);
  const labels = { ...workLabels(m, "run", work), [LABELS.attempt]: String(FIRST_ATTEMPT) };
  const spec: CronJob["spec"] = {
    schedule: reading.plain,
    timeZone: body.schedule.timeZone,
    concurrencyPolicy: "Forbid",
    suspend: !body.enabled,
    startingDeadlineSeconds: STARTING_DEADLINE_SECONDS,
    successfulJobsHistoryLimit: HISTORY_LIMIT,
    failedJobsHistoryLimit: HISTORY_LIMIT,
    jobTemplate: {
      metadata: { labels, annotations: workAnnotations(work) },
      spec: jobSpec(m, work, { work, labels, configName: name, runId: RUN_ID_OF_JOB }),
    },
  };
  return {
    apiVersion: CRON_JOBS.apiVersion,
    kind: CRON_JOBS.kind,
    metadata: {
      name,
      namespace: m.options.namespace,
      labels: workLabels(m, "schedule", work),
      annotations: {
        ...versionAnnotations(body),
        ...workAnnotations(work),
        // What the pods get by way of the configuration object is part of what makes it.
        [ANNOTATIONS.manifestHash]: sha256Hex(
          sortedJson([spec, body.hash, m.configIn, pipelineConfig(m, body, anchor)]),
        ),
      },
      ownerReferences: [anchor],
    },
    spec,
  };
}

/** What the runs of a pipeline's CronJob read their configuration from. Made before the CronJob. */
export function pipelineConfig(m: Manifest, body: PipelineBody, anchor: OwnerReference): Secret | ConfigMap {
  return configObject(m, {
    name: pipelineObjectName(body.pipelineId),
    labels: workLabels(m, "pipeline", workOf(body)),
    annotations: versionAnnotations(body),
    config: body.config,
    owner: anchor,
    fixed: false,
  });
}

/** The object that owns a runner's schedules: with it, all of them go. */
export function anchorObject(m: Manifest): ConfigMap {
  return {
    apiVersion: CONFIG_MAPS.apiVersion,
    kind: CONFIG_MAPS.kind,
    metadata: {
      name: anchorName(m.options.runnerId),
      namespace: m.options.namespace,
      labels: ownLabels(m.options.runnerId, "anchor"),
    },
    data: { about: "Owns the schedules of one Hybrid Runner. When it is deleted, they are deleted with it." },
  };
}

/** Reference to the anchor as the API server answered it. */
export function anchorReference(anchor: ConfigMap): OwnerReference {
  const { name, uid = "" } = anchor.metadata;
  return { apiVersion: CONFIG_MAPS.apiVersion, kind: CONFIG_MAPS.kind, name, uid, blockOwnerDeletion: false };
}

/** One pod, once: a retry is a Job of its own, and no second pod is made while the first may still be alive. */
const ONE_POD: Pick<JobSpec, "parallelism" | "completions" | "backoffLimit" | "podReplacementPolicy"> = {
  parallelism: 1,
  completions: 1,
  backoffLimit: 0,
  podReplacementPolicy: "Failed",
};

const WORK_LABELS = [LABELS.managedBy, LABELS.component, LABELS.runner, LABELS.pipelineId, LABELS.pipelineType];

function jobSpec(m: Manifest, work: Work, order: PodOrder): JobSpec {
  const { timeoutSeconds } = work;
  return {
    ...ONE_POD,
    ...(timeoutSeconds === undefined ? {} : { activeDeadlineSeconds: timeoutSeconds }),
    template: podTemplate(m, order),
  };
}

function workOf({ name, ...body }: PipelineBody): Work {
  return { ...body, pipelineName: name };
}

function workLabels(m: Manifest, component: "run" | "schedule" | "pipeline", work: Work): Record<string, string> {
  return {
    ...ownLabels(m.options.runnerId, component),
    [LABELS.pipelineId]: labelValue(work.pipelineId),
    [LABELS.pipelineType]: labelValue(work.pipelineType),
  };
}

function attemptLabels(runId: string, attempt: number): Record<string, string> {
  return { [LABELS.runId]: runId, [LABELS.attempt]: String(attempt) };
}

function workAnnotations(work: Work): Record<string, string> {
  const { timeoutSeconds, retries, retryDelaySeconds } = work;
  return {
    [ANNOTATIONS.pipelineName]: work.pipelineName,
    [ANNOTATIONS.fullyQualifiedName]: work.fullyQualifiedName,
    ...(timeoutSeconds === undefined ? {} : { [ANNOTATIONS.timeoutSeconds]: String(timeoutSeconds) }),
    ...(retries === undefined ? {} : { [ANNOTATIONS.retries]: String(retries) }),
    ...(retryDelaySeconds === undefined ? {} : { [ANNOTATIONS.retryDelaySeconds]: String(retryDelaySeconds) }),
  };
}

function versionAnnotations(body: PipelineBody): Record<string, string> {
  return { [ANNOTATIONS.generation]: String(body.generation), [ANNOTATIONS.hash]: body.hash };
}

function only(all: Readonly<Record<string, string>>, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => names.includes(name)));
}
