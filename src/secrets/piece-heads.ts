import { plainRun } from "./plain-units.ts";
import type { Piece } from "./secret-pieces.ts";
import type { Spellings } from "./spellings.ts";

/** A text this long, spelled from an entry on, is masked without waiting for the rest of its piece. */
const ENOUGH = 64;
/** Units with which a search begins: fewer than the least would be met everywhere, more than the most need not be. */
const LEAST = 4;
const MOST = 8;
/** A piece with so many letters and digits in runs is known by them, whatever is written between. */
const SURPRISE = 12;
/** A run of letters and digits that counts has so many. */
export const RUN = 3;
const BREAKABLE = MOST + SURPRISE;
/** What stands between the bytes of hexadecimal text: the first of each is what a search begins with. */
const BETWEEN_BYTES = ["", ":", " ", "-", ",", ", ", "\\x", "\\\\x", "%", " 0x", ", 0x", ",0x", "0x"];

/** Of entries with the same head only so many are known: a piece that repeats itself has no end of them. */
const MAX_ALIKE = 8;
/** A long encoded piece has fewer entries. */
const MAX_ENCODED_ENTRIES = 256;

/** A piece, made ready to be followed through a text. */
export interface KnownPiece {
  readonly kind: Piece["kind"];
  readonly text: string;
  /** Whether spellings that nobody has listed are accepted between its letters and digits. */
  readonly surprising: boolean;
  /** Whether a part of it is enough to be found. */
  readonly long: boolean;
}

/** A place at which a piece may be picked up, and how much of the piece makes a find of it. */
export interface Entry {
  readonly at: number;
  readonly enough: number;
}

/** Where a search begins: `head` in the text stands for the units of the piece from the entry up to `at`. */
export interface Head {
  readonly head: string;
  readonly piece: KnownPiece;
  readonly entry: Entry;
  readonly at: number;
}

/** Makes a piece ready, with all the heads by which it is found. */
export function prepare(piece: Piece, spellings: Spellings): readonly Head[] {
  const { kind, text } = piece;
  const known = { kind, text, surprising: kind === "text" && isSurprising(text), long: text.length > enoughOf(kind) };
  const alike = new Map<string, number>();
  const heads: Head[] = [];
  for (const entry of entriesOf(piece)) {
    for (const [head, units] of headsAt(piece, entry.at, spellings)) {
      const count = (alike.get(head) ?? 0) + 1;
      alike.set(head, count);
      if (count <= MAX_ALIKE) heads.push({ head, piece: known, entry, at: entry.at + units });
    }
  }
  return heads;
}

function enoughOf(kind: Piece["kind"]): number {
  return kind === "hex" ? 2 * ENOUGH : ENOUGH;
}

/** The places at which a piece may be picked up: of those with the same text up to the next one the first. */
function entriesOf({ kind, text }: Piece): readonly Entry[] {
  const enough = enoughOf(kind);
  const sparse = Math.max(enough, 2 * Math.ceil(text.length / MAX_ENCODED_ENTRIES / 2));
  const places = kind === "text" ? textPlaces(text) : placesEach(text, sparse);
  const entries = new Map<string, Entry>();
  for (const [index, at] of places.entries()) {
    const key = text.slice(at, Math.max(places[index + 1] ?? 0, at + enough));
    if (!entries.has(key)) entries.set(key, { at, enough: Math.min(text.length, at + enough) });
  }
  return [...entries.values()];
}

function headsAt({ kind, text }: Piece, entry: number, spellings: Spellings): Iterable<readonly [string, number]> {
  if (kind === "hex") return hexHeads(text, entry);
  const plain = plainRun(text, entry, MOST);
  const heads: ReadonlyMap<string, number> =
    plain >= LEAST
      ? new Map([[text.slice(entry, entry + plain), plain]])
      : spellings.beginnings(text.slice(entry), LEAST, kind === "text" && entry === 0);
  return kind === "text" && entry === 0 && text.length < BREAKABLE ? [...heads, ...brokenHeads(text)] : heads;
}

/** A short text has no second place at which it could be picked up, should a line end within its first units. */
function* brokenHeads(text: string): Generator<readonly [string, number]> {
  const units = Math.min(MOST, text.length);
  for (let at = 1; at < units; at++) {
    for (const end of ["\n", "\r"]) yield [text.slice(0, at) + end + text.slice(at, units), units];
  }
}

function hexHeads(text: string, entry: number): ReadonlyMap<string, number> {
  const bytes = text.slice(entry, entry + MOST).match(/../g) ?? [];
  const heads = new Map(BETWEEN_BYTES.map((between) => [bytes.join(between), bytes.length * 2]));
  // Groups of two bytes, as xxd writes them.
  return heads.set((text.slice(entry, entry + MOST).match(/.{1,4}/g) ?? []).join(" "), bytes.length * 2);
}

/**
 * The beginning; one place soon behind it, for a text that is broken or quoted in an unknown way within the first units; then
 * one about every 64 units, so that a part that was cut off is found. All but the first only where what follows is surprising.
 */
function textPlaces(text: string): readonly number[] {
  const places = [0];
  const later = [...placesEach(text, ENOUGH).slice(1), text.length - ENOUGH];
  for (const from of [1, ...later]) {
    const at =
      from <= 1 ? secondPlace(text) : Math.min(nextRun(text, from, ENOUGH / 2), Math.max(from, text.length - ENOUGH));
    if (at > 0 && isSurprising(text.slice(at, at + ENOUGH))) places.push(at);
  }
  return [...new Set(places)].sort((a, b) => a - b);
}

function placesEach(text: string, units: number): readonly number[] {
  return Array.from({ length: Math.max(1, Math.floor(text.length / units)) }, (_, index) => index * units);
}

function secondPlace(text: string): number {
  return plainRun(text, 0, MOST) === MOST ? MOST : nextRun(text, plainRun(text, 0, MOST), ENOUGH);
}

/** The next place from `from` on, within so many units, where enough plain units begin; else `from`. */
function nextRun(text: string, from: number, within: number): number {
  for (let at = from; at < Math.min(text.length, from + within); at++) {
    const run = plainRun(text, at, LEAST);
    if (run >= LEAST) return at;
    at += run;
  }
  return from;
}

function isSurprising(text: string): boolean {
  const runs = text.slice(0, ENOUGH).match(/[A-Za-z0-9]+/g) ?? [];
  const long = runs.filter((run) => run.length >= RUN).join("");
  return long.length >= SURPRISE && new Set(long).size >= SURPRISE / 2;
}
