import type { KubernetesObject } from "../../../src/kubernetes/objects.ts";

/** A kind of objects that the fake keeps. */
export interface Kind {
  /** Empty for the core group. */
  readonly group: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Paths beside `metadata.name` and `metadata.namespace` that a field selector may name. */
  readonly selectable: readonly string[];
}

const EVENT_FIELDS = ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"];

/** All kinds; each has version v1. */
export const KINDS: readonly Kind[] = [
  { group: "", kind: "Namespace", plural: "namespaces", namespaced: false, selectable: ["status.phase"] },
  { group: "", kind: "Node", plural: "nodes", namespaced: false, selectable: ["spec.unschedulable"] },
  {
    group: "",
    kind: "Pod",
    plural: "pods",
    namespaced: true,
    selectable: ["spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"],
  },
  { group: "", kind: "Secret", plural: "secrets", namespaced: true, selectable: ["type"] },
  { group: "", kind: "ConfigMap", plural: "configmaps", namespaced: true, selectable: [] },
  { group: "", kind: "ServiceAccount", plural: "serviceaccounts", namespaced: true, selectable: [] },
  {
    group: "",
    kind: "Event",
    plural: "events",
    namespaced: true,
    selectable: [
      "reason",
      "reportingComponent",
      "source",
      "type",
      ...EVENT_FIELDS.map((name) => `involvedObject.${name}`),
    ],
  },
  { group: "batch", kind: "Job", plural: "jobs", namespaced: true, selectable: ["status.successful"] },
  { group: "batch", kind: "CronJob", plural: "cronjobs", namespaced: true, selectable: [] },
];

/** Any field of an object. */
export type Fields = Readonly<Record<string, unknown>>;

/** An object as the store keeps it; never changed in place. */
export interface Stored extends KubernetesObject {
  readonly metadata: KubernetesObject["metadata"] & {
    readonly finalizers?: readonly string[];
    readonly generateName?: string;
    readonly deletionGracePeriodSeconds?: number;
    readonly managedFields?: unknown;
  };
  readonly spec?: Fields;
  readonly status?: Fields;
}

/** The kind of this plural. */
export function kindOf(plural: string): Kind {
  const kind = KINDS.find((candidate) => candidate.plural === plural);
  if (kind === undefined) throw new Error(`the fake cluster has no ${plural}`);
  return kind;
}

/** The kind of an object. */
export function kindOfObject(object: KubernetesObject): Kind {
  const kind = KINDS.find((candidate) => candidate.kind === object.kind);
  if (kind === undefined) throw new Error(`the fake cluster has no ${object.kind}`);
  return kind;
}

/** `v1` or `batch/v1`. */
export function apiVersionOf(kind: Kind): string {
  return kind.group === "" ? "v1" : `${kind.group}/v1`;
}

/** True for an object that is an object, and no array. */
export function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What is at a path with dots, as a text; empty where there is nothing. */
export function fieldAt(object: unknown, path: string): string {
  let value = object;
  for (const part of path.split(".")) value = isFields(value) ? value[part] : undefined;
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

/** A time as the API writes it: whole seconds. */
export function timeText(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}
