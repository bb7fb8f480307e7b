import { AhoCorasick } from "./aho-corasick.ts";
import { BLOCK, BlockMatcher, blocksOf } from "./block-matcher.ts";
import { MIN_PATTERN, redactionPatterns } from "./redaction-patterns.ts";

/** What stands in place of a secret. Secrets that touch or overlap share one. */
export const MASK = "[redacted]";

/** So many blocks of long patterns are found together with the short ones, in one pass; more would need too many states. */
const MAX_BLOCKS_AS_PATTERNS = 4096;

/** Masks the values it was made with, under every spelling of redaction-patterns.ts. */
export interface Redactor {
  /** The text without secrets. */
  mask(text: string): string;
  /** A text that comes in pieces. */
  stream(): RedactionStream;
  /** How many values are too short to be masked (1 to 3 characters); empty ones don't count. */
  readonly unmasked: number;
}

/** One text that comes in pieces. What comes out is, put together, what `mask` makes of the whole, wherever it was cut. */
export interface RedactionStream {
  /** Takes the next piece and gives out what is certain by now. Holds back only what could be the beginning of a secret, at most 64 units. */
  push(text: string): string;
  /** Gives out the rest; the stream must not be used again. */
  end(): string;
}

/** True for a value of 1 to 3 characters, which would turn up everywhere in innocent output. */
export function isTooShortToMask(value: string): boolean {
  return value !== "" && value.length < MIN_PATTERN;
}

/** Makes a redactor; its table costs time and memory, so make it once per set of values. */
export function createRedactor(values: readonly string[]): Redactor {
  const distinct = [...new Set(values)].filter((value) => value !== "");
  const short = new Set<string>();
  const long = new Set<string>();
  for (const value of distinct) {
    for (const pattern of redactionPatterns(value)) (pattern.length < BLOCK ? short : long).add(pattern);
  }
  const blocks = blocksOf(long);
  const few = blocks.size <= MAX_BLOCKS_AS_PATTERNS;
  const matchers = {
    short: new AhoCorasick(few ? short.union(blocks) : short),
    long: new BlockMatcher(few ? new Set() : blocks),
  };
  const stream = (): RedactionStream => (short.size + long.size === 0 ? plainStream : new MaskedStream(matchers));
  return {
    stream,
    mask(text) {
      const once = stream();
      return once.push(text) + once.end();
    },
    unmasked: distinct.filter(isTooShortToMask).length,
  };
}

const plainStream: RedactionStream = { push: (text) => text, end: () => "" };

/** A stretch to be masked, in units of the buffer. */
interface Stretch {
  start: number;
  end: number;
}

class MaskedStream implements RedactionStream {
  readonly #short: AhoCorasick;
  readonly #long: BlockMatcher;
  #state = 0;
  /** The last raw text: all that is not given out yet, and at least the 63 units before it. */
  #buffer = "";
  /** Up to here the buffer was given out. */
  #given = 0;
  /** Stretches that end behind `#given`, in order, apart from each other. The first may begin before it. */
  #stretches: Stretch[] = [];

  constructor(matchers: { readonly short: AhoCorasick; readonly long: BlockMatcher }) {
    this.#short = matchers.short;
    this.#long = matchers.long;
  }

  push(text: string): string {
    if (text === "") return "";
    // The piece is scanned as it came: a text put together from two is slower to read.
    const base = this.#buffer.length;
    const found: Stretch[] = [];
    this.#state = this.#short.scan(this.#state, text, 0, (start, end) => append(found, base + start, base + end));
    this.#stretches = union(this.#stretches, found);
    const blocks: Stretch[] = [];
    this.#long.scan(this.#buffer, text, (start, end) => append(blocks, base + start, base + end));
    this.#stretches = union(this.#stretches, blocks);
    this.#buffer += text;
    const pending = Math.max(this.#short.pending(this.#state), this.#long.pending(this.#buffer));
    return this.#giveUpTo(this.#wholeCharacters(this.#buffer.length - pending));
  }

  end(): string {
    return this.#giveUpTo(this.#buffer.length);
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
    const cut = Math.max(0, Math.min(this.#given, this.#buffer.length - BLOCK + 1));
    this.#buffer = this.#buffer.slice(cut);
    this.#given -= cut;
    this.#stretches = this.#stretches
      .filter(({ end }) => end - cut >= this.#given)
      .map(({ start, end }) => ({ start: start - cut, end: end - cut }));
  }
}

/** Adds a stretch that ends behind all others, swallowing those it touches. */
function append(stretches: Stretch[], start: number, end: number): void {
  let from = start;
  for (let last = stretches.at(-1); last !== undefined && last.end >= from; last = stretches.at(-1)) {
    from = Math.min(from, last.start);
    stretches.pop();
  }
  stretches.push({ start: from, end });
}

function union(some: readonly Stretch[], more: readonly Stretch[]): Stretch[] {
  if (more.length === 0) return [...some];
  const joined: Stretch[] = [];
  for (const { start, end } of [...some, ...more].sort((a, b) => a.start - b.start || a.end - b.end)) {
    const last = joined.at(-1);
    if (last !== undefined && start <= last.end) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  return joined;
}
