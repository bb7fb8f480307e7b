/** Any JSON value; the same shape as the protocol's, which this folder doesn't know. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/** The two additions of ES2026 that keep a number as it was written. */
interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
  isRawJSON(value: unknown): boolean;
}

const withSource = JSON as unknown as SourceTextJson;

/**
 * Parses JSON so that every number keeps its text: an account number of 20 digits is still itself when it is printed again.
 * Undefined when the text is not JSON; the parser's message is dropped, because it quotes the text.
 */
export function parseJson(text: string): unknown {
  try {
    return withSource.parse(text, (_key, value, { source }) =>
      typeof value === "number" && source !== undefined ? withSource.rawJSON(source) : value,
    );
  } catch {
    return undefined;
  }
}

/** True for a JSON object, and not for a list, null or a number that keeps its text. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !withSource.isRawJSON(value);
}

/** A JSON value as the text of a secret: strings as they are, null as undefined (there is no value), all else as JSON text. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return value === null || value === undefined ? undefined : JSON.stringify(value);
}

/** The value of a JSON object's own key, which may have any name. */
export function ownValue(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** JSON text that YAML parsers read as well: the characters that YAML forbids or folds are escaped. */
export function jsonForYaml(value: Json): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (unit) => escapeUnit(unit));
}

/** The same JSON without `$`, for programs that expand `$NAME` in their configuration; it can only stand inside strings. */
export function withoutDollars(jsonText: string): string {
  return jsonText.replaceAll("$", () => "\\u0024");
}

/** `\uXXXX` of one UTF-16 code unit, in lower case. */
export function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}
