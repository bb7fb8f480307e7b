import { START_UNITS, StartFilter } from "./start-filter.ts";

/** Length of the blocks long patterns are cut into, in UTF-16 code units. Patterns of this length or more belong here. */
export const BLOCK = 64;

const MULTIPLIER = 0x01000193;

/** The pieces of 64 units that patterns of at least that length are cut into; the last one of each reaches back. */
export function blocksOf(patterns: Iterable<string>): ReadonlySet<string> {
  const blocks = new Set<string>();
  for (const pattern of patterns) {
    if (pattern.length < BLOCK) throw new RangeError("a pattern is shorter than a block");
    for (let at = 0; at + BLOCK <= pattern.length; at += BLOCK) blocks.add(pattern.slice(at, at + BLOCK));
    blocks.add(pattern.slice(-BLOCK));
  }
  return blocks;
}

/**
 * Finds the blocks of long patterns, each wherever it stands. So a secret of a megabyte needs no megabyte of states, is masked while it comes in, and a
 * part of it that was cut off is masked as well. Two filters, over the first units of a piece and over its last ones, pass over
 * almost all of a text; what is left is hashed, and every hit is compared with the piece itself.
 */
export class BlockMatcher {
  readonly #byHash = new Map<number, string[]>();
  readonly #starts: StartFilter;
  readonly #ends: StartFilter;
  readonly #sorted: readonly string[];

  constructor(blocks: ReadonlySet<string>) {
    for (const block of blocks) {
      const hash = hashOf(block, 0);
      const bucket = this.#byHash.get(hash);
      if (bucket === undefined) this.#byHash.set(hash, [block]);
      else bucket.push(block);
    }
    this.#starts = new StartFilter(blocks);
    this.#ends = new StartFilter([...blocks].map((block) => block.slice(-START_UNITS)));
    this.#sorted = [...blocks].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Calls `found` for each block that ends in `text`; of those that began in `before`, the start is negative. */
  scan(before: string, text: string, found: (start: number, end: number) => void): void {
    if (this.#sorted.length === 0) return;
    const tail = before.slice(1 - BLOCK);
    const seam = tail + text.slice(0, BLOCK - 1);
    this.#scan(seam, tail.length, (start, end) => found(start - tail.length, end - tail.length));
    this.#scan(text, text.length, found);
  }

  /** Calls `found` for each block in `text` that begins before `limit`. */
  #scan(text: string, limit: number, found: (start: number, end: number) => void): void {
    const end = Math.min(limit, text.length - BLOCK + 1);
    for (let start = this.#starts.next(text, 0); start < end; start = this.#starts.next(text, start + 1)) {
      const ends = this.#ends.mayBegin(text, start + BLOCK - START_UNITS);
      if (ends && this.#isBlock(text, start)) found(start, start + BLOCK);
    }
  }

  /** How many of the last 63 units of `text` could be the beginning of a block. */
  pending(text: string): number {
    if (this.#sorted.length === 0) return 0;
    for (let length = Math.min(BLOCK - 1, text.length); length > 0; length--) {
      if (this.#hasBeginning(text.slice(text.length - length))) return length;
    }
    return 0;
  }

  #isBlock(text: string, start: number): boolean {
    return this.#byHash.get(hashOf(text, start))?.some((block) => text.startsWith(block, start)) === true;
  }

  #hasBeginning(beginning: string): boolean {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? "") < beginning) low = middle + 1;
      else high = middle;
    }
    return this.#sorted[low]?.startsWith(beginning) === true;
  }
}

function hashOf(text: string, start: number): number {
  let hash = 0;
  for (let i = start; i < start + BLOCK; i++) hash = (Math.imul(hash, MULTIPLIER) + text.charCodeAt(i) + 1) | 0;
  return hash;
}
