import { KEY_PREFIX } from "../base/key-prefix.ts";

/*
 * Parsers of mappings that become labels, annotations, selectors and affinities of ingestion pods. Like those in values.ts they
 * throw an Error whose message completes "<name> must be …" and never repeats the value.
 */

const NAME = /^[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?$/;
const PREFIX = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;
const AFFINITIES = ["nodeAffinity", "podAffinity", "podAntiAffinity"];

/** What the runner finds its objects by, and what Kubernetes' controllers write themselves. */
const TAKEN = /^(?:batch\.kubernetes\.io\/|app\.kubernetes\.io\/(?:managed-by|component)$|controller-uid$|job-name$)/;

/** `name=value` pairs separated by commas, or a JSON object of texts; names and values as labels have them. */
export function nodeSelector(text: string): Readonly<Record<string, string>> {
  return textMap(text, isLabelValue, "labels of nodes");
}

/** Labels for pods; none that the runner or Kubernetes itself writes. */
export function podLabels(text: string): Readonly<Record<string, string>> {
  return notTaken(textMap(text, isLabelValue, "labels"));
}

/** Annotations for pods: their values may be any text, which the JSON form is for. */
export function podAnnotations(text: string): Readonly<Record<string, string>> {
  return notTaken(textMap(text, () => true, "annotations"));
}

/** JSON as in a pod's `affinity`. */
export function affinity(text: string): Readonly<Record<string, unknown>> {
  const value = parseJson(text);
  if (!isObject(value) || !Object.entries(value).every(([key, inner]) => AFFINITIES.includes(key) && isObject(inner)))
    throw new Error(`a JSON object with ${AFFINITIES.join(", ")} as a pod's affinity has them`);
  return value;
}

function textMap(text: string, isValue: (value: string) => boolean, what: string): Readonly<Record<string, string>> {
  const object = text.trimStart().startsWith("{") ? parseJson(text) : Object.fromEntries(pairs(text));
  const fits = ([name, value]: [string, unknown]): boolean =>
    isLabelName(name) && typeof value === "string" && isValue(value);
  if (!isObject(object) || !Object.entries(object).every(fits))
    throw new Error(`${what}: name=value separated by commas, or a JSON object of texts`);
  return object as Readonly<Record<string, string>>;
}

function pairs(text: string): [string, string | undefined][] {
  return text.split(",").map((item) => {
    const [name = "", ...value] = item.split("=");
    return [name.trim(), value.length === 0 ? undefined : value.join("=").trim()];
  });
}

function notTaken(map: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  if (Object.keys(map).some((name) => name.startsWith(KEY_PREFIX) || TAKEN.test(name)))
    throw new Error(`without names that the runner or Kubernetes writes itself, such as ${KEY_PREFIX}… and job-name`);
  return map;
}

function isLabelName(text: string): boolean {
  const slash = text.indexOf("/");
  if (slash < 0) return NAME.test(text);
  return PREFIX.test(text.slice(0, slash)) && NAME.test(text.slice(slash + 1));
}

function isLabelValue(text: string): boolean {
  return text === "" || NAME.test(text);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
