import { escapeUnit, isExactNumber, isJsonObject, jsonForYaml } from "../base/exact-json.ts";
import { parseJson, withoutDollars } from "./json.ts";

/** Shorter texts are not masked: they would turn up everywhere in innocent output. */
export const MIN_PATTERN = 4;

const MAX_FRAGMENTS = 10_000;
const MAX_LINES_IN_FULL = 1000;
const TRIVIAL = new Set(["true", "false", "null", "none"]);

/**
 * Every spelling under which a secret could turn up in output:
 * - the value; also without white space around it, and with its line ends as `\n`, `\r\n` or `\r`;
 * - inside a JSON string, once and twice, with and without `\/`, with `\uXXXX` in lower and upper case, and as the
 *   wrapper writes the configuration file; inside a Python repr;
 * - URL-encoded: encodeURIComponent, encodeURI, and Python's quote and quote_plus; `%20` or `+` for a space; `%xx` in both cases;
 * - base64, standard and URL-safe, at each of the three places it may begin inside encoded bytes; the whole value's also
 *   line by line, as tools wrap it at 76 or 64 characters;
 * - hexadecimal in both cases;
 * - each line of a value with several lines (not in base64; as text and JSON string only when there are more than a thousand);
 * - each leaf of a value that is JSON: texts of at least 4 characters but for true, false, null and none, and numbers
 *   of at least 6 digits.
 * Nothing shorter than 4 characters. Base64 that is wrapped into lines together with other bytes is not recognised.
 */
export function redactionPatterns(value: string): ReadonlySet<string> {
  const patterns = new Set<string>();
  const add = (pattern: string): void => {
    if (pattern.length >= MIN_PATTERN) patterns.add(pattern);
  };
  for (const whole of [value, value.trim(), value.replace(/\r\n/g, "\n"), value.replace(/\r?\n/g, "\r\n")]) {
    addTextForms(whole, add);
    addBase64Forms(whole, add);
    addWrappedBase64(whole, add);
    addHexForms(whole, add);
  }
  add(value.replace(/\r?\n/g, "\r"));
  for (const leaf of leavesOf(value)) {
    addTextForms(leaf, add);
    addBase64Forms(leaf, add);
    addHexForms(leaf, add);
    addLines(leaf, add);
  }
  addLines(value, add);
  return patterns;
}

type Add = (pattern: string) => void;

function addTextForms(text: string, add: Add): void {
  if (text.length < MIN_PATTERN) return;
  add(text);
  for (const form of jsonForms(text)) {
    add(form);
    for (const twice of jsonForms(form)) add(twice);
  }
  addPythonForms(text, add);
  for (const form of urlForms(text)) {
    add(form);
    add(form.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()));
  }
}

/** A value with very many lines is worth fewer spellings a line: its table would take seconds to make. */
function addLines(text: string, add: Add): void {
  const lines = linesOf(text);
  for (const line of lines) {
    if (lines.length <= MAX_LINES_IN_FULL) addTextForms(line, add);
    else {
      add(line);
      add(JSON.stringify(line).slice(1, -1));
    }
  }
}

function jsonForms(text: string): readonly string[] {
  const plain = JSON.stringify(text).slice(1, -1);
  const ascii = plain.replace(/[^ -~]/g, escapeUnit);
  const html = plain.replace(/[<>&\u2028\u2029]/g, escapeUnit);
  const yaml = jsonForYaml(text).slice(1, -1);
  const forms = new Set([plain, ascii, html, yaml]);
  for (const form of [plain, ascii, html, yaml]) {
    forms.add(withoutDollars(form));
    forms.add(form.replaceAll("/", "\\/"));
    forms.add(form.replace(/\\u[0-9a-f]{4}/g, (code) => `\\u${code.slice(2).toUpperCase()}`));
  }
  return [...forms];
}

/** What Python prints for a str inside a list or a dict. */
function addPythonForms(text: string, add: Add): void {
  const short: Readonly<Record<string, string>> = { "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t" };
  const form = text.replace(
    /[\\\p{Cc}]/gu,
    (unit) => short[unit] ?? `\\x${unit.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  add(form);
  add(form.replaceAll("'", "\\'"));
}

function urlForms(text: string): readonly string[] {
  const wellFormed = text.toWellFormed();
  const component = encodeURIComponent(wellFormed);
  const strict = component.replace(/[!'()*]/g, (unit) => `%${unit.charCodeAt(0).toString(16).toUpperCase()}`);
  const forms = [component, strict, strict.replaceAll("%2F", "/"), encodeURI(wellFormed)];
  return [...new Set([...forms, ...forms.map((form) => form.replaceAll("%20", "+"))])];
}

function addBase64Forms(text: string, add: Add): void {
  if (text.length < MIN_PATTERN) return;
  const inside = JSON.stringify(text).slice(1, -1);
  for (const form of new Set([text, inside])) {
    const bytes = new TextEncoder().encode(form);
    for (const before of [0, 1, 2]) {
      const encoded = base64Part(bytes, before);
      add(encoded);
      add(encoded.replaceAll("+", "-").replaceAll("/", "_"));
    }
  }
}

/** The lines of the value's base64, where it is longer than one; the value may end with a line end that a shell has added. */
function addWrappedBase64(text: string, add: Add): void {
  if (text.length < MIN_PATTERN) return;
  for (const ending of ["", "\n"]) {
    const encoded = new TextEncoder().encode(text + ending).toBase64();
    for (const columns of [64, 76]) {
      if (encoded.length <= columns) continue;
      for (let at = 0; at < encoded.length; at += columns) add(encoded.slice(at, at + columns));
    }
  }
}

function addHexForms(text: string, add: Add): void {
  if (text.length < MIN_PATTERN) return;
  const hex = new TextEncoder().encode(text).toHex();
  add(hex);
  add(hex.toUpperCase());
}

/** The characters of base64 that depend on nothing but `bytes`, when `before` other bytes stand before them in their group. */
function base64Part(bytes: Uint8Array, before: number): string {
  const shifted = new Uint8Array(before + bytes.length);
  shifted.set(bytes, before);
  const first = Math.ceil((before * 8) / 6);
  const end = Math.floor((shifted.length * 8) / 6);
  return shifted.toBase64().slice(first, end);
}

function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r\n|\n|\r/);
  if (lines.length === 1) return [];
  return [...new Set(lines.flatMap((line) => [line, line.trim()]))].slice(0, MAX_FRAGMENTS);
}

function leavesOf(text: string): readonly string[] {
  const leaves = new Set<string>();
  const visit = (node: unknown, depth: number): void => {
    if (leaves.size >= MAX_FRAGMENTS || depth > 100) return;
    if (typeof node === "string") {
      if (node.length >= MIN_PATTERN && !TRIVIAL.has(node.toLowerCase())) leaves.add(node);
    } else if (Array.isArray(node)) for (const child of node) visit(child, depth + 1);
    else if (isJsonObject(node)) for (const child of Object.values(node)) visit(child, depth + 1);
    else if (typeof node === "number" || isExactNumber(node)) {
      const number = JSON.stringify(node);
      if (number.replace(/\D/g, "").length >= 6) leaves.add(number);
    }
  };
  if (/^\s*[[{]/.test(text)) visit(parseJson(text), 0);
  return [...leaves];
}
