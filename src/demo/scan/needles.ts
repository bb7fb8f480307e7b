/** One text that must occur nowhere, and a name for it that tells nothing of its value. */
export interface Needle {
  /** For example `token, base64`. */
  readonly name: string;
  /** As it reads when bytes are decoded by `decodeBytes`. */
  readonly text: string;
}

/** A value to look for. */
export interface SecretValue {
  readonly name: string;
  readonly value: string;
}

/** Shorter ones occur by chance. */
export const SHORTEST_NEEDLE = 12;

/** Turns any bytes into text one to one, so that text search finds bytes. */
export function decodeBytes(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

/**
 * All the shapes in which the values could have been written: as they are, escaped for JSON (once and twice) and for URLs,
 * as UTF-16, in hexadecimal, and in base64 at each of its three alignments. Every window of twelve characters of a value in
 * `windows` is looked for as well, so that a part of it is found too; give only values that are random throughout.
 */
export function makeNeedles(values: readonly SecretValue[], windows: readonly SecretValue[] = []): readonly Needle[] {
  const pieces = [...values, ...windows.flatMap(windowsOf)];
  const found = new Map<string, Needle>();
  for (const piece of pieces) {
    for (const [shape, bytes] of shapes(piece.value)) {
      const text = decodeBytes(bytes);
      if (text.length >= SHORTEST_NEEDLE && !found.has(text))
        found.set(text, { name: `${piece.name}, ${shape}`, text });
    }
  }
  return [...found.values()];
}

function windowsOf({ name, value }: SecretValue): readonly SecretValue[] {
  const windows = Math.max(0, value.length - SHORTEST_NEEDLE + 1);
  return Array.from({ length: windows }, (_, at) => ({
    name: `part of ${name}`,
    value: value.slice(at, at + SHORTEST_NEEDLE),
  }));
}

function shapes(value: string): [string, Uint8Array][] {
  const json = JSON.stringify(value).slice(1, -1);
  const texts: [string, string][] = [
    ["raw", value],
    ["JSON", json],
    ["JSON with escaped slashes", json.replaceAll("/", "\\/")],
    ["JSON in JSON", JSON.stringify(json).slice(1, -1)],
    ["URL", encodeURIComponent(value)],
    ["URL path", encodeURI(value)],
    ["URL form", new URLSearchParams({ v: value }).toString().slice(2)],
    ["hexadecimal", hexadecimal(value)],
    ["hexadecimal, upper case", hexadecimal(value).toUpperCase()],
  ];
  const encoded: [string, Uint8Array][] = texts.map(([shape, text]) => [shape, new TextEncoder().encode(text)]);
  encoded.push(["UTF-16", utf16(value)]);
  for (const shift of [0, 1, 2]) {
    const text = base64Core(new TextEncoder().encode(value), shift);
    encoded.push([`base64 at ${shift}`, new TextEncoder().encode(text)]);
    const urlText = text.replaceAll("+", "-").replaceAll("/", "_");
    encoded.push([`base64url at ${shift}`, new TextEncoder().encode(urlText)]);
  }
  return encoded;
}

/** The base64 characters that depend on nothing but these bytes when `shift` unknown bytes stand before them. */
function base64Core(bytes: Uint8Array, shift: number): string {
  const all = new Uint8Array(shift + bytes.length);
  all.set(bytes, shift);
  const text = btoa(String.fromCharCode(...all));
  const from = Math.ceil((shift * 8) / 6);
  const to = Math.floor((all.length * 8) / 6);
  return text.slice(from, to);
}

function hexadecimal(value: string): string {
  return [...new TextEncoder().encode(value)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function utf16(value: string): Uint8Array {
  const bytes = new Uint8Array(value.length * 2);
  for (let at = 0; at < value.length; at++) {
    const unit = value.charCodeAt(at);
    bytes.set([unit & 255, unit >> 8], at * 2);
  }
  return bytes;
}
