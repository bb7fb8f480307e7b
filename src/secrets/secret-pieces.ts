import { isExactNumber, isJsonObject } from "../base/exact-json.ts";
import { parseJson } from "./json.ts";
import { passwordsIn } from "./passwords-inside.ts";
import { isPlain } from "./plain-units.ts";

/** Shorter texts are not masked: they would turn up everywhere in innocent output. */
const MIN_LENGTH = 4;
const MAX_FRAGMENTS = 10_000;
const MAX_LINES_IN_FULL = 1000;
/** So many different signs make a secret out of a text without letters and digits; fewer are a ruler or a bracket. */
const MIN_SIGNS = 4;
const TRIVIAL: ReadonlySet<string> = new Set(["true", "false", "null", "none", "undefined"]);
const PEM_FRAME = /^-----(BEGIN|END) [A-Z0-9 ]+-----$/;

/** One text to look for: as text in every quoting, or as hexadecimal digits with or without something between the bytes. */
export interface Piece {
  readonly kind: "text" | "base64" | "hex";
  readonly text: string;
}

/**
 * True for a value that is told apart from innocent output: at least four characters; letters, digits or characters
 * beyond ASCII among them, or at least four different signs; and none of true, false, null, none, undefined.
 */
export function isWorthMasking(value: string): boolean {
  const text = value.trim();
  if (text.length < MIN_LENGTH || TRIVIAL.has(text.toLowerCase())) return false;
  return wordsIn(text).length > 0 || new Set(text.replace(/\s/g, "")).size >= MIN_SIGNS;
}

/**
 * All that is looked for on behalf of one value:
 * - the value without the white space around it;
 * - each line of a value with several lines, each leaf of a value that is JSON (then no lines: they are keys and brackets), and
 *   the passwords inside it. Of lines only what is more than brackets, rulers and frames of a PEM, of numbers six digits;
 * - their base64 (UTF-8, UTF-16LE and UTF-8 inside a JSON string, standard and URL-safe) at each of the three places where
 *   it may begin inside encoded bytes, and their hexadecimal digits in both cases; of lines only the text.
 */
export function piecesOf(value: string): readonly Piece[] {
  const pieces = new Map<string, Piece>();
  const add = (kind: Piece["kind"], text: string): void => {
    if (text.length >= MIN_LENGTH) pieces.set(`${kind} ${text}`, { kind, text });
  };
  const whole = value.trim();
  if (!isWorthMasking(whole)) return [];
  const unix = whole.replace(/\r\n?/g, "\n");
  const { leaves, isJson } = leavesOf(whole);
  const parts = [...leaves, ...passwordsIn(whole)].filter(isWorthMasking);
  for (const text of new Set([whole, unix, unix.replaceAll("\n", "\r\n"), ...parts])) addEncoded(text, add);
  for (const text of [whole, ...parts]) add("text", text.trim());
  for (const text of isJson ? leaves : [whole]) {
    const lines = linesOf(text).filter(isWorthAlone);
    for (const line of lines) add("text", line);
    if (lines.length <= MAX_LINES_IN_FULL) for (const line of lines) addHex(line, add);
  }
  return [...pieces.values()];
}

type Add = (kind: Piece["kind"], text: string) => void;

/** A line, which nobody chose as a secret by itself, must have more of a surprise than a bracket or a ruler. */
function isWorthAlone(line: string): boolean {
  const words = wordsIn(line).length;
  const signs = new Set(line.replace(/[\sA-Za-z0-9]/g, "")).size;
  return isWorthMasking(line) && !PEM_FRAME.test(line) && (words >= MIN_LENGTH || words + signs >= MIN_LENGTH + 2);
}

function wordsIn(text: string): readonly string[] {
  return Array.from(text).filter((character) => isPlain(character.charCodeAt(0)) || character > "\x7f");
}

function addEncoded(text: string, add: Add): void {
  const bytes = new TextEncoder().encode(text);
  const inside = JSON.stringify(text).slice(1, -1);
  const written = [bytes, utf16(text), ...(inside === text ? [] : [new TextEncoder().encode(inside)])];
  for (const form of written) {
    for (const before of [0, 1, 2]) {
      const encoded = base64Part(form, before);
      add("base64", encoded);
      add("base64", encoded.replaceAll("+", "-").replaceAll("/", "_"));
    }
  }
  addHex(text, add);
}

function addHex(text: string, add: Add): void {
  const digits = new TextEncoder().encode(text).toHex();
  add("hex", digits);
  add("hex", digits.toUpperCase());
}

function utf16(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length * 2);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    bytes[at * 2] = unit & 0xff;
    bytes[at * 2 + 1] = unit >> 8;
  }
  return bytes;
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
  return [...new Set(lines.map((line) => line.trim()))].slice(0, MAX_FRAGMENTS);
}

function leavesOf(text: string): { readonly isJson: boolean; readonly leaves: readonly string[] } {
  const leaves = new Set<string>();
  const visit = (node: unknown, depth: number): void => {
    if (leaves.size >= MAX_FRAGMENTS || depth > 100) return;
    if (typeof node === "string") leaves.add(node);
    else if (Array.isArray(node)) for (const child of node) visit(child, depth + 1);
    else if (isJsonObject(node)) for (const child of Object.values(node)) visit(child, depth + 1);
    else if (typeof node === "number" || isExactNumber(node)) {
      const number = JSON.stringify(node);
      if (number.replace(/\D/g, "").length >= 6) leaves.add(number);
    }
  };
  const parsed = /^[[{]/.test(text) ? parseJson(text) : undefined;
  visit(parsed, 0);
  return { isJson: parsed !== undefined, leaves: [...leaves] };
}
