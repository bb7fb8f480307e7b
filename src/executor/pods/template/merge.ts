/*
 * How parts of a pod's specification from several places become one; docs/kubernetes-pods.md tells it to people.
 * Mappings are merged key by key, and null removes. Lists whose items have a key are merged by it, some lists are added to,
 * and every other list is replaced as a whole.
 */

/** A part of a specification. */
export type Part = Readonly<Record<string, unknown>>;

/** Lists whose items are told apart by a field: an item of the same name takes the place of the one there was. */
const KEYED: Readonly<Record<string, string>> = {
  env: "name",
  imagePullSecrets: "name",
  volumes: "name",
  volumeMounts: "mountPath",
  volumeDevices: "devicePath",
};

/** Lists of containers: an item of the same name is merged into the one there was. */
const CONTAINERS = ["containers", "initContainers"];

/** Lists where each place adds its own. */
const ADDED = [
  "tolerations",
  "hostAliases",
  "envFrom",
  "topologySpreadConstraints",
  "readinessGates",
  "schedulingGates",
];

/** The first part with the second one laid over it. */
export function merged(below: Part, above: Part): Part {
  const result: Record<string, unknown> = { ...below };
  for (const [key, value] of Object.entries(above)) {
    if (value === null) delete result[key];
    else result[key] = mergedValue(key, result[key], value);
  }
  return result;
}

function mergedValue(key: string, below: unknown, above: unknown): unknown {
  if (isPart(above)) return merged(isPart(below) ? below : {}, above);
  if (!Array.isArray(above) || !Array.isArray(below)) return above;
  if (CONTAINERS.includes(key)) return byKey(below, above, "name", merged);
  const name = KEYED[key];
  if (name !== undefined) return byKey(below, above, name, (_, item) => item);
  if (!ADDED.includes(key)) return above;
  const known = new Set(below.map((item) => JSON.stringify(item)));
  return [...below, ...above.filter((item) => !known.has(JSON.stringify(item)))];
}

function byKey(
  below: readonly unknown[],
  above: readonly unknown[],
  key: string,
  together: (below: Part, above: Part) => Part,
): readonly unknown[] {
  const items = below.filter(isPart);
  for (const item of above.filter(isPart)) {
    const at = items.findIndex((candidate) => candidate[key] === item[key]);
    const before = items[at];
    if (before === undefined) items.push(merged({}, item));
    else items[at] = together(before, item);
  }
  return items;
}

function isPart(value: unknown): value is Part {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
