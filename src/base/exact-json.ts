/*
 * JSON whose numbers stay what was written. JavaScript's own numbers have 16 digits or so and one spelling each: an account
 * number of 20 digits becomes another one, and 1.0 becomes 1. Here such a number is a leaf that keeps its text, by the two
 * additions of ES2026; `JSON.stringify` writes it as it came. All other numbers are ordinary ones.
 */

/** A number with the very text it was written in. */
export interface ExactNumber {
  readonly rawJSON: string;
}

interface SourceTextJson {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): ExactNumber;
  isRawJSON(value: unknown): boolean;
}

const withSource = JSON as unknown as SourceTextJson;

const [QUOTE, BACKSLASH, MINUS, ZERO, NINE] = [0x22, 0x5c, 0x2d, 0x30, 0x39];
const NUMBER = /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
/** A number with an exponent: digits, fraction, sign, exponent. */
const SCIENTIFIC = /^(-?\d+)(\.\d+)?[eE]([+-]?)(\d+)$/;

/** Parses JSON so that every number can be printed again as it was. @throws SyntaxError, whose message quotes the text */
export function parseExact(text: string): unknown {
  if (!hasExactNumbers(text)) return JSON.parse(text);
  return withSource.parse(text, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined ? exactNumber(source) : value,
  );
}

/** The number of a text that JSON's grammar takes for one. @throws SyntaxError */
export function exactNumber(text: string): number | ExactNumber {
  return String(Number(text)) === text ? Number(text) : withSource.rawJSON(text);
}

/** True for a number that keeps its text. It is a leaf: whoever walks a JSON value asks this before looking into an object. */
export function isExactNumber(value: unknown): value is ExactNumber {
  return withSource.isRawJSON(value);
}

/** True for a JSON object, and not for a list, null or a number that keeps its text. */
export function isJsonObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !isExactNumber(value);
}

/**
 * JSON text that YAML readers take for the same value: characters that YAML forbids or folds are escaped, and a number with
 * an exponent has the point and sign without which YAML 1.1 (PyYAML) takes it for a text: `1e7` is written `1.0e+7`.
 */
export function jsonForYaml(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner: unknown) => spelledForYaml(inner));
  return text.replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (unit) => escapeUnit(unit));
}

/** `\uXXXX` of one UTF-16 code unit, in lower case. */
export function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** Where the string of a JSON text ends that begins at `begin`. Strings hold nearly all of a text, so they are passed over quickly. */
export function endOfString(text: string, begin: number): number {
  for (let end = text.indexOf('"', begin + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0;
    while (text.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++;
    if (backslashes % 2 === 0) return end;
  }
  return text.length;
}

/** Told before the text is parsed: parsing with every number's text in hand takes eight times as long, and is seldom needed. */
function hasExactNumbers(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      NUMBER.lastIndex = at;
      const number = NUMBER.exec(text)?.[0] ?? "-";
      if (String(Number(number)) !== number) return true;
      at += number.length - 1;
    }
  }
  return false;
}

function spelledForYaml(value: unknown): unknown {
  if (typeof value !== "number" && !isExactNumber(value)) return value;
  const [, whole, fraction, sign, exponent] = SCIENTIFIC.exec(JSON.stringify(value)) ?? [];
  if (whole === undefined) return value;
  return withSource.rawJSON(`${whole}${fraction ?? ".0"}e${sign || "+"}${exponent}`);
}
