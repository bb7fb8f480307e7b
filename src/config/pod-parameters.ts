import { CONTAINER_FIELDS, type FieldRules, POD_FIELDS } from "./pod-fields.ts";

/*
 * What is wrong with changes to ingestion pods: those of the two parameter files and those for single pipeline types.
 * Messages name fields and never repeat values, which can be credentials.
 */

/** A mistake and where it is: keys and positions from the outside in. */
export interface ParameterMistake {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** Variables of the pod contract and the wrapper (facts: openmetadata-contract §4.1). */
const OWN_VARIABLE = /^(?:config|pipelineType|pipelineRunId|ingestionPipelineFQN|HYBRID_RUNNER_POD_.*)$/;

/** Lists that are merged by a field of their items, which therefore must be there. */
const KEYED_LISTS: Readonly<Record<string, string>> = {
  env: "name",
  volumes: "name",
  imagePullSecrets: "name",
  initContainers: "name",
  volumeMounts: "mountPath",
};

/** Fields that are mappings. */
const MAPPINGS = ["securityContext", "resources", "nodeSelector", "affinity", "dnsConfig"];

/** Fields that are lists and added to. */
const LISTS = ["tolerations", "envFrom", "hostAliases", "topologySpreadConstraints"];

/** The container of the ingestion pods. */
export const MAIN_CONTAINER = "main";

/** True for the name of a variable that the runner itself gives to ingestion pods. */
export function isOwnVariable(name: string): boolean {
  return OWN_VARIABLE.test(name);
}

/** Mistakes in changes to container `main`. */
export function containerMistakes(value: unknown): readonly ParameterMistake[] {
  return [...fieldMistakes(value, CONTAINER_FIELDS), ...(isObject(value) ? mainNameMistake(value) : [])];
}

/** Mistakes in changes to a pod's specification; its list of containers may change `main` and add others. */
export function podMistakes(value: unknown): readonly ParameterMistake[] {
  if (!isObject(value)) return fieldMistakes(value, POD_FIELDS);
  const { containers = [], ...pod } = value;
  const inside = Array.isArray(containers)
    ? containers.flatMap((container, at) => within(["containers", at], containerOfPod(container)))
    : [{ path: ["containers"], message: "must be a list" }];
  return [...fieldMistakes(pod, POD_FIELDS), ...inside];
}

function containerOfPod(container: unknown): readonly ParameterMistake[] {
  if (!isObject(container) || typeof container["name"] !== "string") return [{ path: [], message: "has no name" }];
  if (container["name"] === MAIN_CONTAINER) return containerMistakes(container);
  return isOwnName(container["name"]) ? [{ path: ["name"], message: "is a name of the runner's own" }] : [];
}

function fieldMistakes(value: unknown, { known, own }: FieldRules): readonly ParameterMistake[] {
  if (!isObject(value)) return [{ path: [], message: "must be a mapping" }];
  return Object.entries(value).flatMap(([key, inner]): readonly ParameterMistake[] => {
    const advice = Object.hasOwn(own, key) ? own[key] : undefined;
    if (advice !== undefined) return [{ path: [key], message: `can't be set: ${advice}` }];
    if (!known.includes(key)) return [{ path: [key], message: "is no field that Kubernetes knows there" }];
    if (inner === null) return [];
    const keyField = KEYED_LISTS[key];
    if (keyField !== undefined) return within([key], listMistakes(key, keyField, inner));
    if (MAPPINGS.includes(key) && !isObject(inner)) return [{ path: [key], message: "must be a mapping" }];
    if (LISTS.includes(key) && !Array.isArray(inner)) return [{ path: [key], message: "must be a list" }];
    return [];
  });
}

function listMistakes(list: string, keyField: string, value: unknown): readonly ParameterMistake[] {
  if (!Array.isArray(value)) return [{ path: [], message: "must be a list" }];
  return value.flatMap((item: unknown, at): readonly ParameterMistake[] => {
    const key = isObject(item) ? item[keyField] : undefined;
    if (typeof key !== "string" || key === "") return [{ path: [at], message: `must be a mapping with ${keyField}` }];
    const taken = list === "env" ? isOwnVariable(key) : isOwnName(key.replace(/^\//, ""));
    return taken ? [{ path: [at, keyField], message: "is one of the runner's own" }] : [];
  });
}

function mainNameMistake({ name = MAIN_CONTAINER }: Readonly<Record<string, unknown>>): readonly ParameterMistake[] {
  return name === MAIN_CONTAINER ? [] : [{ path: ["name"], message: `can't be set: it is ${MAIN_CONTAINER}` }];
}

/** Volumes, containers and folders that begin so are the runner's. */
function isOwnName(name: string): boolean {
  return name.startsWith("hybrid-runner");
}

function within(
  path: readonly (string | number)[],
  mistakes: readonly ParameterMistake[],
): readonly ParameterMistake[] {
  return mistakes.map((mistake) => ({ ...mistake, path: [...path, ...mistake.path] }));
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
