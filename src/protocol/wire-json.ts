import { isExactNumber, isJsonObject, parseExact } from "../base/exact-json.ts";
import { nestingDepth } from "../base/nesting.ts";

/**
 * Fields whose value is free JSON, wherever they stand outside of one: there numbers stay as they were written. Anywhere else a
 * number means its value, and 60.0 is 60.
 */
export const FREE_JSON_FIELDS: ReadonlySet<string> = new Set([
  "config",
  "connection",
  "sourceConfig",
  "sink",
  "sourceConfigOverride",
  "appConfigOverride",
]);

/** The value of a text that came from outside, or what is wrong with it: `mistake` completes "Cannot read …: it is …". */
export type WireJson = { readonly value: unknown } | { readonly mistake: string };

/** Reads JSON that somebody sent. */
export function readWireJson(text: string, maxDepth: number): WireJson {
  if (nestingDepth(text) > maxDepth) return { mistake: `nested more than ${maxDepth} levels deep` };
  try {
    const value = parseExact(text);
    return isWellFormed(text, value) ? { value: withPlainNumbers(value) } : { mistake: "not well-formed Unicode" };
  } catch {
    return { mistake: "not JSON" };
  }
}

/** False when half of a surrogate pair stands alone in a text or key of the value, whose JSON text is given. */
export function isWellFormed(text: string, value: unknown): boolean {
  // Decoded UTF-8 has no half of its own: it can only come by an escape, which few texts have.
  return !/\\u[dD][89a-fA-F]/.test(text) || isWhole(value);
}

function isWhole(value: unknown): boolean {
  if (typeof value === "string") return value.isWellFormed();
  if (Array.isArray(value)) return value.every(isWhole);
  if (!isJsonObject(value)) return true;
  return Object.entries(value).every(([key, child]) => key.isWellFormed() && isWhole(child));
}

/** Changes the value in place: it has just been parsed, and few values have such numbers. */
function withPlainNumbers(value: unknown): unknown {
  if (isExactNumber(value)) return Number(value.rawJSON);
  if (Array.isArray(value)) {
    for (const [index, child] of value.entries()) if (typeof child === "object") value[index] = withPlainNumbers(child);
  } else if (isJsonObject(value)) {
    const fields: Record<string, unknown> = value;
    for (const [key, child] of Object.entries(fields)) {
      if (typeof child !== "object" || (FREE_JSON_FIELDS.has(key) && !isExactNumber(child))) continue;
      Object.defineProperty(fields, key, {
        value: withPlainNumbers(child),
        enumerable: true,
        writable: true,
        configurable: true,
      });
    }
  }
  return value;
}
