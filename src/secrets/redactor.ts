import { AhoCorasick } from "./aho-corasick.ts";
import { type Head, type KnownPiece, prepare } from "./piece-heads.ts";
import { PieceMatcher, type Step } from "./piece-matcher.ts";
import { isWorthMasking, piecesOf } from "./secret-pieces.ts";
import { Spellings } from "./spellings.ts";
import { type Stretch, union } from "./stretches.ts";

/** What stands in place of a secret. Secrets that touch or overlap share one. */
export const MASK = "[redacted]";

/** So many beginnings of one piece are followed at a time; only a text that repeats itself has more. */
const MAX_TRACKS = 64;
/** So many beginnings are followed for each unit of a text, and so many more once in a while. */
const FOLLOWED_PER_UNIT = 8;
const FOLLOWED_AT_ONCE = 16_384;
/** Without following, so many units are masked, and what is left of their last line. */
const UNITS_UNSEEN = 512;

/**
 * Masks the values it was made with. What all spellings of a value have in common is that they write its characters in
 * order, letters and digits as they are and the others somehow, and put nothing but quotes and line ends between them. So a
 * value is found by its first units (piece-matcher.ts), and then followed character by character through every quoting.
 */
export interface Redactor {
  /** The text without secrets. */
  mask(text: string): string;
  /** A text that comes in pieces. */
  stream(): RedactionStream;
}

/** One text that comes in pieces. What comes out is, put together, what `mask` makes of the whole, wherever it was cut. */
export interface RedactionStream {
  /** Takes the next piece and gives out what is certain by now. Holds back only what could be the beginning of a secret. */
  push(text: string): string;
  /** Gives out the rest; the stream must not be used again. */
  end(): string;
}

/** What a redactor's streams share. */
interface Known {
  readonly automaton: AhoCorasick;
  readonly heads: ReadonlyMap<string, readonly Head[]>;
  readonly lengths: readonly number[];
  readonly matcher: PieceMatcher;
}

/** Makes a redactor; its table costs time and memory, so make it once per set of values. Of values that aren't worth masking there is none. */
export function createRedactor(values: readonly string[]): Redactor {
  const spellings = new Spellings();
  const pieces = new Map<string, readonly Head[]>();
  for (const value of new Set(values.filter(isWorthMasking))) {
    for (const piece of piecesOf(value)) {
      const key = `${piece.kind} ${piece.text}`;
      if (!pieces.has(key)) pieces.set(key, prepare(piece, spellings));
    }
  }
  const heads = Map.groupBy([...pieces.values()].flat(), ({ head }) => head);
  const known: Known = {
    automaton: new AhoCorasick(heads.keys()),
    heads,
    lengths: [...new Set([...heads.keys()].map((head) => head.length))],
    matcher: new PieceMatcher(spellings),
  };
  const stream = (): RedactionStream => (heads.size === 0 ? plainStream : new MaskedStream(known));
  return {
    stream,
    mask(text) {
      const once = stream();
      return once.push(text) + once.end();
    },
  };
}

const plainStream: RedactionStream = { push: (text) => text, end: () => "" };

/** A piece that is being followed through the text; places are units of the buffer. */
interface Track {
  readonly piece: KnownPiece;
  /** Units of the piece from which on it counts as found. */
  readonly enough: number;
  start: number;
  /** How far it is found. */
  end: number | undefined;
  steps: readonly Step[];
}

class MaskedStream implements RedactionStream {
  readonly #known: Known;
  #state = 0;
  /** The last raw text: all that is not given out yet, and what the tracks still look at. */
  #buffer = "";
  /** Up to here the buffer was given out. */
  #given = 0;
  /** Stretches that end behind `#given`, in order, apart from each other. The first may begin before it. */
  #stretches: Stretch[] = [];
  #tracks: Track[] = [];
  /** Up to where each piece is found, counted from the stream's beginning: within, a long one needn't be picked up again. */
  readonly #covered = new Map<KnownPiece, number>();
  /** Units that have left the buffer. */
  #gone = 0;
  /** How many beginnings may be followed, as of which unit of the stream. */
  readonly #allowance = { left: FOLLOWED_AT_ONCE, at: 0 };
  /** Up to this unit of the stream, and to the end of its line, all is masked: following would take too long. */
  #unseen: number | undefined;
  #unseenTo = 0;

  constructor(known: Known) {
    this.#known = known;
  }

  push(text: string): string {
    if (text === "") return "";
    const base = this.#buffer.length;
    this.#buffer += text;
    const found: Stretch[] = [];
    if (this.#unseen !== undefined) this.#maskUnseen(base, found);
    this.#dropTracks(base, found);
    this.#tracks = this.#tracks.filter((track) => this.#follow(track, false, found));
    this.#stretches = union(this.#stretches, found);
    const hits: Stretch[] = [];
    // The piece is scanned as it came: a text put together from two is slower to read.
    this.#state = this.#known.automaton.scan(this.#state, text, 0, (start, end) =>
      hits.push({ start: base + start, end: base + end }),
    );
    const fresh: Stretch[] = [];
    for (const hit of hits) if (this.#gone + hit.end > this.#unseenTo) this.#begin(hit, fresh);
    this.#stretches = union(this.#stretches, fresh);
    let certain = this.#buffer.length - this.#known.automaton.pending(this.#state);
    for (const { start, end } of this.#tracks) certain = Math.min(certain, end ?? start);
    return this.#giveUpTo(this.#wholeCharacters(certain));
  }

  end(): string {
    const found: Stretch[] = [];
    for (const track of this.#tracks) this.#follow(track, true, found);
    this.#stretches = union(this.#stretches, found);
    this.#tracks = [];
    return this.#giveUpTo(this.#buffer.length);
  }

  /** Follows all pieces of which a head ends where this longest one ends. */
  #begin(hit: Stretch, found: Stretch[]): void {
    for (const length of this.#known.lengths) {
      if (length > hit.end - hit.start) continue;
      const start = hit.end - length;
      const heads = this.#known.heads.get(this.#buffer.slice(start, hit.end)) ?? [];
      if (!this.#isAllowed(heads.length, hit.end)) {
        this.#startUnseen(hit.start, found);
        return;
      }
      for (const { piece, entry, at } of heads) {
        if (piece.long && (this.#covered.get(piece) ?? 0) >= this.#gone + hit.end) continue;
        const track = { piece, enough: entry.enough, start, end: undefined, steps: [{ at, place: hit.end }] };
        if (this.#follow(track, false, found) && this.#mayFollow(piece)) this.#tracks.push(track);
      }
    }
  }

  /** Whether so many may be followed here; that depends on the text alone, but for tracks that wait for more of it. */
  #isAllowed(count: number, place: number): boolean {
    const allowance = this.#allowance;
    const at = Math.max(allowance.at, this.#gone + place);
    allowance.left = Math.min(FOLLOWED_AT_ONCE, allowance.left + FOLLOWED_PER_UNIT * (at - allowance.at));
    allowance.at = at;
    if (allowance.left < count) return false;
    allowance.left -= count;
    return true;
  }

  /** Each piece of text goes on with all tracks that wait for it, so that many of them are too many for small ones. */
  #dropTracks(place: number, found: Stretch[]): void {
    if (this.#tracks.length <= MAX_TRACKS || this.#isAllowed(this.#tracks.length, place)) return;
    const starts = this.#tracks.map(({ start }) => start);
    this.#tracks = [];
    this.#startUnseen(Math.max(this.#given, Math.min(...starts)), found);
  }

  #startUnseen(start: number, found: Stretch[]): void {
    this.#unseen = this.#gone + start + UNITS_UNSEEN;
    this.#maskUnseen(start, found);
  }

  #maskUnseen(start: number, found: Stretch[]): void {
    const from = Math.max(start, (this.#unseen ?? 0) - this.#gone);
    const lineEnd = this.#buffer.indexOf("\n", from);
    if (lineEnd !== -1) this.#unseen = undefined;
    const end = lineEnd === -1 ? this.#buffer.length : lineEnd;
    this.#unseenTo = this.#gone + end;
    found.push({ start, end });
  }

  #mayFollow(piece: KnownPiece): boolean {
    return (
      this.#tracks.length < MAX_TRACKS || this.#tracks.filter((track) => track.piece === piece).length < MAX_TRACKS
    );
  }

  /** Answers whether there is more to follow. */
  #follow(track: Track, complete: boolean, found: Stretch[]): boolean {
    const { piece } = track;
    track.steps = this.#known.matcher.follow(piece, track.steps, this.#buffer, complete, ({ at, place }) => {
      if (at >= track.enough) track.end = Math.max(track.end ?? 0, place);
    });
    if (track.end !== undefined) {
      found.push({ start: track.start, end: track.end });
      this.#covered.set(piece, Math.max(this.#covered.get(piece) ?? 0, this.#gone + track.end));
    }
    return track.steps.length > 0;
  }

  /** A surrogate pair is not torn apart. */
  #wholeCharacters(end: number): number {
    const last = end > this.#given ? this.#buffer.charCodeAt(end - 1) : 0;
    return last >= 0xd800 && last <= 0xdbff ? end - 1 : end;
  }

  #giveUpTo(end: number): string {
    let out = "";
    let at = this.#given;
    for (const { start, end: stretchEnd } of this.#stretches) {
      if (start > end) break;
      if (start >= at) out += this.#buffer.slice(at, start) + MASK;
      at = Math.max(at, stretchEnd);
    }
    if (at < end) out += this.#buffer.slice(at, end);
    this.#given = Math.max(at, end, this.#given);
    this.#forget();
    return out;
  }

  /** Keeps the last stretch when it reaches the given end: one that follows without a gap belongs to the same mask. */
  #forget(): void {
    let cut = this.#given;
    for (const { steps } of this.#tracks) for (const { place } of steps) cut = Math.min(cut, place);
    cut = Math.max(0, cut - 1);
    this.#buffer = this.#buffer.slice(cut);
    this.#given -= cut;
    this.#gone += cut;
    this.#stretches = this.#stretches
      .filter(({ end }) => end - cut >= this.#given)
      .map(({ start, end }) => ({ start: start - cut, end: end - cut }));
    for (const track of this.#tracks) {
      track.start -= cut;
      if (track.end !== undefined) track.end -= cut;
      track.steps = track.steps.map(({ at, place }) => ({ at, place: place - cut }));
    }
  }
}
