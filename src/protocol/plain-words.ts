import type { z } from "zod";

/** What a person has to read about a shape that isn't met: the library's own words and codes are no help to them. */
const TYPES: Readonly<Record<string, string>> = {
  string: "a text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "an object",
  record: "an object",
  null: "null",
};

/**
 * What must be, completing "field …", and never what was found there: it may be a secret. Hand it to zod as the option `error`;
 * texts that stand in a schema itself come before these.
 */
export const plainWords: z.core.$ZodErrorMap = (issue) => {
  switch (issue.code) {
    case "invalid_type":
      return issue.input === undefined ? "is missing" : `must be ${TYPES[issue.expected] ?? issue.expected}`;
    case "unrecognized_keys":
      return `has fields that are not known here: ${names(issue.keys)}`;
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return `must ${measure(issue.origin)} at least ${issue.minimum}${unit(issue.origin)}`;
    case "too_big":
      return `must ${measure(issue.origin)} at most ${issue.maximum}${unit(issue.origin)}`;
    case "invalid_format":
      return issue.format === "uuid" ? "must be a UUID" : "is not of the form it must have";
    default:
      return "is not as it must be";
  }
};

/** Every finding with its place, `(top)` for the whole; at most `most` of them. */
export function mistakesIn(error: z.ZodError, most: number): readonly string[] {
  return error.issues.slice(0, most).map((issue) => `${issue.path.join(".") || "(top)"}: ${issue.message}`);
}

function measure(origin: string): string {
  return origin === "string" || origin === "array" ? "have" : "be";
}

function unit(origin: string): string {
  if (origin === "string") return " characters";
  return origin === "array" ? " entries" : "";
}

/** Names of fields are repeated when they look like names. */
function names(keys: readonly string[]): string {
  const shown = keys.filter((key) => /^[A-Za-z_][A-Za-z0-9_.-]{0,39}$/.test(key)).slice(0, 5);
  return shown.length === keys.length ? shown.join(", ") : [...shown, "others"].join(", ");
}
