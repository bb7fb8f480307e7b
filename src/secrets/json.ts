import { parseExact } from "../base/exact-json.ts";

/** Any JSON value; the same shape as the protocol's, which this folder doesn't know. */
export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

/**
 * Parses JSON so that every number can be printed again as it was.
 * Undefined when the text is not JSON; the parser's message is dropped, because it quotes the text.
 */
export function parseJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
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

/** The same JSON without `$`, for programs that expand `$NAME` in their configuration; it can only stand inside strings. */
export function withoutDollars(jsonText: string): string {
  return jsonText.replaceAll("$", () => "\\u0024");
}
