import { clip } from "../../base/clip.ts";
import type {
  Condition,
  Container,
  ContainerStatus,
  Job,
  KubernetesEvent,
  Pod,
  PodSpec,
} from "../../kubernetes/objects.ts";
import { ANNOTATIONS, jobLabels, LABELS } from "../pods/labels.ts";

/*
 * What is kept in memory of the objects that are watched: ten thousand live runs must fit beside everything else. Name, UID and
 * resource version stay for the reflector. What is needed seldom (a whole Job, to make the next attempt from) is read again then.
 */

const JOB_LABELS = [LABELS.pipelineId, LABELS.runId, LABELS.attempt, LABELS.kueueQueue] as const;
const POD_LABELS = [LABELS.runId, LABELS.jobName, LABELS.jobUid, LABELS.pipelineId, LABELS.attempt] as const;
const JOB_ANNOTATIONS = [
  ANNOTATIONS.timeoutSeconds,
  ANNOTATIONS.retries,
  ANNOTATIONS.retryDelaySeconds,
  ANNOTATIONS.stopRequestedAt,
  ANNOTATIONS.gaveWayTo,
  ANNOTATIONS.skippedFor,
  ANNOTATIONS.notStarted,
  ANNOTATIONS.ending,
  ANNOTATIONS.freeAttempts,
  ANNOTATIONS.suspendedPods,
  ANNOTATIONS.acknowledgedAt,
] as const;
const JOB_CONDITIONS: ReadonlySet<string> = new Set(["Complete", "Failed", "FailureTarget", "Suspended"]);
const POD_CONDITIONS: ReadonlySet<string> = new Set(["PodScheduled", "Ready", "DisruptionTarget"]);
const NO_TEMPLATE: Job["spec"]["template"] = { spec: { containers: [] } };
const NOTHING: Readonly<Record<string, string>> = {};

/** A Job without its pods' template. */
export function slimJob(job: Job): Job {
  const { metadata, spec, status } = job;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name: metadata.name,
      ...pick(metadata, ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"]),
      labels: pick(jobLabels(job), JOB_LABELS),
      annotations: kept(metadata.annotations, JOB_ANNOTATIONS),
    },
    spec: { ...pick(spec, ["activeDeadlineSeconds", "parallelism", "suspend"]), template: NO_TEMPLATE },
    ...(status === undefined
      ? {}
      : {
          status: {
            ...pick(status, ["completionTime", "failed", "startTime"]),
            ...(status.conditions === undefined ? {} : { conditions: conditions(status.conditions, JOB_CONDITIONS) }),
          },
        }),
  };
}

/** The Job of a pod as far as the pod tells of it, where the API server has the Job no more; undefined for a pod of none. */
export function jobOfOrphan({ metadata }: Pod): Job | undefined {
  const labels = metadata.labels ?? NOTHING;
  const [name, uid] = [labels[LABELS.jobName], labels[LABELS.jobUid]];
  if (name === undefined || uid === undefined) return undefined;
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: {
      name,
      uid,
      ...pick(metadata, ["creationTimestamp"]),
      labels: pick(labels, JOB_LABELS),
      annotations: NOTHING,
    },
    spec: { template: NO_TEMPLATE },
  };
}

/** A pod: where it is, how its containers stand, and of its specification what failures are explained with. */
export function slimPod(pod: Pod): Pod {
  const { metadata, status } = pod;
  const { containerStatuses: containers, initContainerStatuses: inits } = status ?? {};
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: metadata.name,
      ...pick(metadata, [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
      ]),
      labels: pick(metadata.labels ?? NOTHING, POD_LABELS),
    },
    spec: sharedSpec(pod.spec),
    ...(status === undefined
      ? {}
      : {
          status: {
            ...pick(status, ["phase", "reason", "message", "startTime"]),
            ...(status.conditions === undefined ? {} : { conditions: conditions(status.conditions, POD_CONDITIONS) }),
            ...(containers === undefined ? {} : { containerStatuses: containers.map(slimStatus) }),
            ...(inits === undefined ? {} : { initContainerStatuses: inits.map(slimStatus) }),
          },
        }),
  };
}

/** Told in failures though nothing is wrong by itself: what the cluster, or somebody, did with a pod. */
const TELLING: ReadonlySet<string> = new Set([
  "Preempted",
  "TaintManagerEviction",
  "TriggeredScaleUp",
  "NotTriggerScaleUp",
  "Killing",
  "SuccessfulDelete",
  "Suspended",
  "Stopped",
]);

/** An event of a Job or pod of ours; of all others only the name, since a watch can't tell them apart. */
export function slimEvent(event: KubernetesEvent): KubernetesEvent {
  const { involvedObject, metadata, reason, type } = event;
  const { kind, name } = involvedObject;
  const isOurs = (kind === "Job" || kind === "Pod") && name?.startsWith("hr-") === true;
  if (!isOurs || !(type !== "Normal" || TELLING.has(reason ?? "")))
    return {
      apiVersion: "v1",
      kind: "Event",
      metadata: pick(metadata, ["name", "uid", "resourceVersion"]),
      involvedObject: NOTHING,
    };
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: pick(metadata, ["name", "uid", "resourceVersion", "creationTimestamp"]),
    involvedObject: { kind, name },
    ...pick(event, ["reason", "type", "count", "firstTimestamp", "lastTimestamp", "eventTime"]),
    ...(event.message === undefined ? {} : { message: clip(event.message, 1000) }),
  };
}

const MOST_SPECS = 500;
const specs = new Map<string, PodSpec>();

/** Pods of one runner differ in little: equal parts are kept once. */
function sharedSpec(spec: PodSpec): PodSpec {
  const slim: PodSpec = {
    containers: spec.containers.map(slimContainer),
    ...(spec.initContainers === undefined ? {} : { initContainers: spec.initContainers.map(slimContainer) }),
    ...pick(spec, ["nodeName", "imagePullSecrets"]),
  };
  const key = JSON.stringify(slim);
  const known = specs.get(key);
  if (known !== undefined) return known;
  if (specs.size >= MOST_SPECS) specs.clear();
  specs.set(key, slim);
  return slim;
}

function slimContainer({ name, image, resources }: Container): Container {
  const limits = resources?.limits;
  return {
    name,
    ...(image === undefined ? {} : { image }),
    ...(limits === undefined ? {} : { resources: { limits } }),
  };
}

function slimStatus({ name, state }: ContainerStatus): ContainerStatus {
  return { name, ...(state === undefined ? {} : { state }) };
}

function conditions(all: readonly Condition[], types: ReadonlySet<string>): readonly Condition[] {
  return all
    .filter(({ type }) => types.has(type))
    .map((condition) => ({
      type: condition.type,
      status: condition.status,
      ...pick(condition, ["reason", "message", "lastTransitionTime"]),
    }));
}

function kept(
  all: Readonly<Record<string, string>> | undefined,
  names: readonly string[],
): Readonly<Record<string, string>> {
  return all !== undefined && names.some((name) => name in all) ? pick(all, names) : NOTHING;
}

function pick<T extends object, K extends keyof T>(object: T, names: readonly K[]): Pick<T, K> {
  const picked: Partial<T> = {};
  for (const name of names) if (object[name] !== undefined) picked[name] = object[name];
  return picked as Pick<T, K>;
}
