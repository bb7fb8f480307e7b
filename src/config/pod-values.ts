import { quantityNumber } from "../base/quantity.ts";
/*
 * Parsers of what ingestion pods are made of, after Kubernetes' own rules. Like those in values.ts they throw an Error
 * whose message completes "<name> must be …" and never repeats the value.
 */

/** A taint that pods put up with, as Kubernetes' API spells it. */
export interface Toleration {
  readonly key?: string;
  readonly operator?: "Exists" | "Equal";
  readonly value?: string;
  readonly effect?: "NoSchedule" | "PreferNoSchedule" | "NoExecute";
  readonly tolerationSeconds?: number;
}

/** Settings of pods by pipeline type, for example `{"automation":{"priorityClassName":"high-priority"}}`. */
export type PipelineTypeConfigs = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

const LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"] as const;

/** Name of a namespace. */
export function namespace(text: string): string {
  if (!new RegExp(`^${LABEL}$`).test(text))
    throw new Error("the name of a namespace: up to 63 lower-case letters, digits and dashes");
  return text;
}

/** Name of an object such as a service account or secret. */
export function objectName(text: string): string {
  if (!isObjectName(text)) throw new Error("the name of an object: lower-case letters, digits, dashes and dots");
  return text;
}

/** Names separated by commas. */
export function objectNames(text: string): readonly string[] {
  const names = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  if (!names.every(isObjectName)) throw new Error("names of secrets, separated by commas");
  return names;
}

/** `[registry[:port]/]repository[:tag][@sha256:digest]`. */
export function image(text: string): string {
  const part = "[a-z0-9]+(?:[._-]+[a-z0-9]+)*";
  const registry = "(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::\\d{1,5})?/)?";
  const pattern = `^${registry}${part}(?:/${part})*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$`;
  if (text.length > 512 || !new RegExp(pattern).test(text))
    throw new Error("an image such as registry.example.com/ingestion:1.2.3");
  return text;
}

/** Number of a user that isn't root, or undefined for `image`. */
export function userOrImage(text: string): number | undefined {
  if (text.toLowerCase() === "image") return undefined;
  const user = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(user >= 1 && user <= 2_147_483_647)) throw new Error("the number of a user from 1 to 2147483647, or image");
  return user;
}

/** An amount of processor time. */
export function cpuQuantity(text: string): string {
  const amount = quantityNumber(text);
  if (!(amount > 0 && amount <= 1e6)) throw new Error("an amount of processor time such as 1000m or 2");
  return text;
}

/** An amount of memory; `512m` would be half a byte, so less than 1 Mi is taken for a mistake. */
export function memoryQuantity(text: string): string {
  if (!(quantityNumber(text) >= 2 ** 20)) throw new Error("an amount of memory such as 4096Mi or 4Gi, at least 1Mi");
  return text;
}

/** JSON as in a pod's `tolerations` (one or a list), or `key=value:effect` with value and effect left out at will, separated by commas. */
export function tolerations(text: string): readonly Toleration[] {
  const json = /^\s*[[{]/.test(text) ? parseJson(text) : undefined;
  const list: readonly unknown[] = json === undefined ? shortTolerations(text) : Array.isArray(json) ? json : [json];
  if (!list.every(isToleration)) {
    throw new Error("a JSON list of tolerations, or key=value:effect with NoSchedule, PreferNoSchedule or NoExecute");
  }
  return list;
}

/** A JSON object of JSON objects, by pipeline type. */
export function pipelineTypeConfigs(text: string): PipelineTypeConfigs {
  const value = parseJson(text);
  if (!isObject(value) || !Object.values(value).every(isObject)) {
    throw new Error('a JSON object by pipeline type such as {"automation":{"priorityClassName":"high-priority"}}');
  }
  return value as PipelineTypeConfigs;
}

function shortTolerations(text: string): readonly unknown[] {
  return text.split(",").map((item) => {
    const [, key, value, effect] = /^\s*([^=:\s]+)(?:=([^=:\s]*))?(?::([A-Za-z]+))?\s*$/.exec(item) ?? [];
    const match = value === undefined ? { operator: "Exists" } : { operator: "Equal", value };
    return { key, ...match, ...(effect === undefined ? {} : { effect }) };
  });
}

function isToleration(value: unknown): value is Toleration {
  if (!isObject(value)) return false;
  const { key, operator, value: wanted, effect, tolerationSeconds, ...unknown } = value;
  const isLabelKey = typeof key === "string" && /^(?:[a-z0-9.-]{1,253}\/)?[A-Za-z0-9](?:[\w.-]{0,61}\w)?$/.test(key);
  return (
    Object.keys(unknown).length === 0 &&
    (isLabelKey || (!("key" in value) && operator === "Exists")) &&
    (operator === undefined || operator === "Exists" || operator === "Equal") &&
    (wanted === undefined || (typeof wanted === "string" && operator !== "Exists")) &&
    (effect === undefined || EFFECTS.some((known) => known === effect)) &&
    (tolerationSeconds === undefined || (Number.isInteger(tolerationSeconds) && effect === "NoExecute"))
  );
}

function isObjectName(text: string): boolean {
  return text.length <= 253 && new RegExp(`^${LABEL}(?:\\.${LABEL})*$`).test(text);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
