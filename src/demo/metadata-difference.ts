import { clip } from "../base/clip.ts";

/**
 * The first place where two JSON values differ, as a path with both values, or undefined when they are equal.
 * The order of an object's fields doesn't matter, the order of a list does.
 */
export function firstDifference(found: unknown, expected: unknown, path = "metadata"): string | undefined {
  if (Array.isArray(found) && Array.isArray(expected)) {
    if (found.length !== expected.length) return `${path} has ${found.length} entries instead of ${expected.length}`;
    return firstOf(found.map((value, at) => () => firstDifference(value, expected[at], `${path}[${at}]`)));
  }
  if (isObject(found) && isObject(expected)) {
    const keys = [...new Set([...Object.keys(expected), ...Object.keys(found)])];
    return firstOf(keys.map((key) => () => firstDifference(found[key], expected[key], `${path}.${key}`)));
  }
  return Object.is(found, expected) ? undefined : `${path} is ${show(found)} instead of ${show(expected)}`;
}

function firstOf(attempts: readonly (() => string | undefined)[]): string | undefined {
  for (const attempt of attempts) {
    const difference = attempt();
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return clip(JSON.stringify(value) ?? "missing", 120);
}
