import { type KnownPiece, RUN } from "./piece-heads.ts";
import { isPlain, plainRun } from "./plain-units.ts";
import type { Spellings } from "./spellings.ts";

const UNKNOWN_UNITS = 12;
const MAX_UNKNOWN = 48;
const MAX_QUOTES = 24;
const MAX_INDENT = 80;
const MAX_STEPS = 256;

/** Units of the piece that are matched, up to which place of the text. */
export interface Step {
  readonly at: number;
  readonly place: number;
}

/** Told of each step that piece and text take together. */
export type Reached = (step: Step) => void;

type Go = (at: number, place: number) => void;

/** Follows pieces through texts. */
export class PieceMatcher {
  readonly #spellings: Spellings;

  constructor(spellings: Spellings) {
    this.#spellings = spellings;
  }

  /**
   * Goes on from the steps as far as the text goes. Answers the steps that need more text to be decided; none when the text
   * is `complete`.
   */
  follow(piece: KnownPiece, from: readonly Step[], text: string, complete: boolean, reached: Reached): readonly Step[] {
    const waiting: Step[] = [];
    const open: Step[] = [...from];
    const go = (at: number, place: number): void => {
      const known = open.some((step) => step.at === at && step.place === place);
      if (!known && open.length < MAX_STEPS) open.push({ at, place });
    };
    for (let step = takeFirst(open); step !== undefined; step = takeFirst(open)) {
      const along = alongPlain(piece.text, step, text);
      reached(along);
      if (along.at >= piece.text.length) continue;
      const decided =
        piece.kind === "hex" ? ofByte(piece.text, along, text, go) : this.#ofCharacter(piece, along, text, go);
      if (!decided && !complete) waiting.push(along);
    }
    return waiting;
  }

  /** Answers false when more text is needed to know all ways on; so do the functions below. */
  #ofCharacter(piece: KnownPiece, { at, place }: Step, text: string, go: Go): boolean {
    const unit = piece.text.charCodeAt(at);
    let decided = true;
    if (isPlain(unit)) {
      for (const there of quotesFrom(text, place)) {
        if (there >= text.length) decided = false;
        else if (text.charCodeAt(there) === unit) go(at + 1, there + 1);
      }
      return decided;
    }
    const character = characterAt(piece.text, at);
    const spellings = this.#spellings.of(character);
    // The carriage return before a line feed, and what an encoder leaves out because its character set hasn't got it.
    if (character === "\r" || (piece.surprising && character > "\x7f")) go(at + character.length, place);
    for (const there of quotesFrom(text, place)) {
      if (there >= text.length) decided = false;
      for (const spelled of spellings.get(text.charCodeAt(there)) ?? []) {
        if (text.startsWith(spelled, there)) go(at + character.length, there + spelled.length);
        else if (there + spelled.length > text.length && spelled.startsWith(text.slice(there))) decided = false;
      }
    }
    return (!piece.surprising || unknown(piece.text, { at, place }, text, go)) && decided;
  }
}

/** The step with the fewest units, so that no step is taken twice. */
function takeFirst(open: Step[]): Step | undefined {
  if (open.length < 2) return open.pop();
  let first = 0;
  for (let index = 1; index < open.length; index++) {
    if ((open[index]?.at ?? 0) < (open[first]?.at ?? 0)) first = index;
  }
  return open.splice(first, 1)[0];
}

/** As long as piece and text are the same plain units there is one way on. */
function alongPlain(piece: string, { at, place }: Step, text: string): Step {
  let [here, there] = [at, place];
  while (here < piece.length && there < text.length) {
    const unit = piece.charCodeAt(here);
    if (unit !== text.charCodeAt(there) || !isPlain(unit)) break;
    here++;
    there++;
  }
  return { at: here, place: there };
}

function ofByte(piece: string, { at, place }: Step, text: string, go: Go): boolean {
  // Half a byte may have been taken already, when digits agree by chance.
  const whole = at - (at % 2);
  const start = place - (at % 2);
  BETWEEN.lastIndex = start;
  const behind = start + (BETWEEN.exec(text)?.[0].length ?? 0);
  if (behind > start && text.startsWith(piece.slice(whole, whole + 2), behind)) go(whole + 2, behind + 2);
  return behind + 3 < text.length;
}

/** A spelling that nobody has listed: up to twelve units a character, of one line, and then letters and digits as they must be. */
function unknown(piece: string, { at, place }: Step, text: string, go: Go): boolean {
  let behind = at;
  while (behind < piece.length && !isPlain(piece.charCodeAt(behind))) behind++;
  const run = piece.slice(behind, behind + plainRun(piece, behind, RUN));
  if (run.length < RUN && behind + run.length < piece.length) return true;
  if (run === "") return true;
  const most = place + Math.min(MAX_UNKNOWN, UNKNOWN_UNITS * (behind - at));
  for (let there = place; there <= most; there++) {
    if (there + run.length > text.length) return false;
    if (text.startsWith(run, there)) go(behind, there);
    if (text.charCodeAt(there) === 10) break;
  }
  return true;
}

/** The place itself, and the places behind what quoting, concatenating and wrapping put between two characters. */
function quotesFrom(text: string, place: number): readonly number[] {
  const places = [place];
  const addUpTo = (end: number): number => {
    for (let there = (places.at(-1) ?? place) + 1; there <= end; there++) places.push(there);
    return end;
  };
  // The value's own line end may have been written just before, and one more put behind it.
  let at = place > 0 && isLineEnd(text.charCodeAt(place - 1)) ? addUpTo(indentFrom(text, place)) : place;
  at = addUpTo(quoteRun(text, at));
  if (!isLineEnd(text.charCodeAt(at))) return places;
  at = addUpTo(at + (text.startsWith("\r\n", at) ? 2 : 1));
  at = addUpTo(indentFrom(text, at));
  // Python's bytes, of which each line has a mark before its quote; whether it has is known with the next unit.
  if (/^[bu](?:["']|$)/i.test(text.slice(at, at + 2))) at = addUpTo(at + 1);
  addUpTo(quoteRun(text, at));
  return places;
}

function quoteRun(text: string, from: number): number {
  let at = from;
  while (at < text.length && at - from < MAX_QUOTES && QUOTES.has(text.charCodeAt(at))) at++;
  return at;
}

function indentFrom(text: string, from: number): number {
  let at = from;
  while (at < text.length && at - from < MAX_INDENT && INDENTS.has(text.charCodeAt(at))) at++;
  return at;
}

const BETWEEN = /(?:[:,-]|\s){0,6}(?:0x|\\{1,2}x|%)?/y;
const QUOTES: ReadonlySet<number> = new Set(Array.from("\"'`\\$^=+", (sign) => sign.charCodeAt(0)));
const INDENTS: ReadonlySet<number> = new Set(Array.from(" \t|>#*", (sign) => sign.charCodeAt(0)));

function isLineEnd(unit: number): boolean {
  return unit === 10 || unit === 13 || unit === 0x85 || unit === 0x2028 || unit === 0x2029;
}

/** A surrogate pair is one character; half of one is one too. */
function characterAt(text: string, at: number): string {
  const code = text.codePointAt(at) ?? 0;
  return text.slice(at, at + (code > 0xffff ? 2 : 1));
}
