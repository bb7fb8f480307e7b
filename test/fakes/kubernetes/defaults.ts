import type { ObjectMeta } from "../../../src/kubernetes/objects.ts";
import { type Fields, isFields, type Kind, type Stored } from "./kinds.ts";
import { badRequest } from "./status.ts";

const CONTAINER = {
  resources: {},
  terminationMessagePath: "/dev/termination-log",
  terminationMessagePolicy: "File",
};

const POD_SPEC = {
  restartPolicy: "Always",
  terminationGracePeriodSeconds: 30,
  dnsPolicy: "ClusterFirst",
  securityContext: {},
  schedulerName: "default-scheduler",
};

const JOB_SPEC = {
  parallelism: 1,
  completions: 1,
  backoffLimit: 6,
  manualSelector: false,
  completionMode: "NonIndexed",
  suspend: false,
  podReplacementPolicy: "TerminatingOrFailed",
};

const CRON_JOB_SPEC = {
  concurrencyPolicy: "Allow",
  suspend: false,
  successfulJobsHistoryLimit: 3,
  failedJobsHistoryLimit: 1,
};

/** Fills in what the API server fills in when an object is created; `metadata.uid` is there already. */
export function withDefaults(kind: Kind, object: Stored): Stored {
  switch (kind.plural) {
    case "jobs":
      return {
        ...object,
        spec: labelled({ ...JOB_SPEC, ...object.spec }, object.metadata),
        status: object.status ?? {},
      };
    case "cronjobs": {
      const template = isFields(object.spec?.["jobTemplate"]) ? object.spec["jobTemplate"] : {};
      const spec = { ...CRON_JOB_SPEC, ...object.spec, jobTemplate: { metadata: {}, ...template } };
      return { ...object, spec: withPodDefaults(spec, "jobTemplate", "spec", "template"), status: object.status ?? {} };
    }
    case "pods":
      return {
        ...object,
        spec: { enableServiceLinks: true, serviceAccountName: "default", ...podSpec(object.spec ?? {}) },
        status: object.status ?? { phase: "Pending", qosClass: qosClass(object.spec) },
      };
    case "secrets":
      return { ...encoded(object), type: object["type" as keyof Stored] ?? "Opaque" } as Stored;
    case "namespaces":
      return { ...object, spec: object.spec ?? { finalizers: ["kubernetes"] }, status: { phase: "Active" } };
    default:
      return object;
  }
}

/** `stringData` becomes `data`, as on every write of a Secret. */
export function encoded(object: Stored): Stored {
  const { stringData, ...rest } = object as Stored & { stringData?: Readonly<Record<string, string>> };
  const data = (rest as { data?: Readonly<Record<string, string>> }).data ?? {};
  for (const value of Object.values(data)) {
    if (!/^[A-Za-z0-9+/\s]*={0,2}$/.test(value)) {
      throw badRequest('Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0');
    }
  }
  const written = Object.entries(stringData ?? {}).map(([key, text]) => [key, Buffer.from(text).toString("base64")]);
  const all = { ...data, ...Object.fromEntries(written) };
  return (Object.keys(all).length === 0 ? rest : { ...rest, data: all }) as Stored;
}

/** The Job controller's labels on the template, the selector that goes with them, and the pod's defaults. */
function labelled(spec: Fields, { name, uid = "" }: ObjectMeta): Fields {
  const own = {
    "batch.kubernetes.io/controller-uid": uid,
    "batch.kubernetes.io/job-name": name,
    "controller-uid": uid,
    "job-name": name,
  };
  const template = isFields(spec["template"]) ? spec["template"] : {};
  const metadata = isFields(template["metadata"]) ? template["metadata"] : {};
  const labels = isFields(metadata["labels"]) ? metadata["labels"] : {};
  const selector = { matchLabels: { "batch.kubernetes.io/controller-uid": uid } };
  const withLabels = {
    ...spec,
    selector,
    template: { ...template, metadata: { ...metadata, labels: { ...labels, ...own } } },
  };
  return withPodDefaults(withLabels, "template");
}

/** The pod's defaults in the template at a path. */
export function withPodDefaults(spec: Fields, ...path: readonly string[]): Fields {
  const [first, ...rest] = path;
  if (first === undefined) return isFields(spec["spec"]) ? { ...spec, spec: podSpec(spec["spec"]) } : spec;
  const inner = spec[first];
  if (!isFields(inner)) return spec;
  const filled = withPodDefaults(
    first === "spec" && rest[0] === "template" ? { ...JOB_TEMPLATE_SPEC, ...inner } : inner,
    ...rest,
  );
  return { ...spec, [first]: filled };
}

/** A CronJob's template is no Job yet: it gets no labels, and these only. */
const JOB_TEMPLATE_SPEC = {
  backoffLimit: 6,
  completions: 1,
  parallelism: 1,
  completionMode: "NonIndexed",
  suspend: false,
};

function podSpec(spec: Fields): Fields {
  const filled: Record<string, unknown> = { ...POD_SPEC, ...spec };
  for (const key of ["containers", "initContainers"]) {
    const containers = spec[key];
    if (Array.isArray(containers)) filled[key] = containers.map(withContainerDefaults);
  }
  return filled;
}

function withContainerDefaults(container: unknown): unknown {
  if (!isFields(container)) return container;
  const image = String(container["image"] ?? "");
  const always = image.endsWith(":latest") || !image.slice(image.lastIndexOf("/")).includes(":");
  return { ...CONTAINER, imagePullPolicy: always ? "Always" : "IfNotPresent", ...container };
}

function qosClass(spec: Fields | undefined): string {
  const containers = Array.isArray(spec?.["containers"]) ? (spec["containers"] as readonly Fields[]) : [];
  return containers.some(({ resources }) => isFields(resources) && Object.keys(resources).length > 0)
    ? "Burstable"
    : "BestEffort";
}
