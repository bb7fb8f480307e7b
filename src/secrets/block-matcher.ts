/** Length of the blocks long patterns are cut into, in UTF-16 code units. Patterns of this length or more belong here. */
export const BLOCK = 64;

const MULTIPLIER = 0x01000193;
const FILTER_BITS = 20;

/**
 * Finds long patterns by their blocks: each pattern is cut into pieces of 64 units (the last one reaching back), and a piece
 * is recognised wherever it stands. So a secret of a megabyte needs no megabyte of states, is masked while it comes in, and a
 * part of it that was cut off is masked as well. Works with a rolling hash; every hit is compared with the piece itself.
 */
export class BlockMatcher {
  readonly #byHash = new Map<number, string[]>();
  readonly #filter = new Uint8Array(2 ** FILTER_BITS);
  readonly #sorted: readonly string[];

  constructor(patterns: Iterable<string>) {
    const blocks = new Set<string>();
    for (const pattern of patterns) {
      if (pattern.length < BLOCK) throw new RangeError("a pattern is shorter than a block");
      for (let at = 0; at + BLOCK <= pattern.length; at += BLOCK) blocks.add(pattern.slice(at, at + BLOCK));
      blocks.add(pattern.slice(-BLOCK));
    }
    for (const block of blocks) {
      const hash = hashOf(block);
      this.#filter[filterBit(hash)] = 1;
      const bucket = this.#byHash.get(hash);
      if (bucket === undefined) this.#byHash.set(hash, [block]);
      else bucket.push(block);
    }
    this.#sorted = [...blocks].sort((a, b) => (a < b ? -1 : 1));
  }

  /** Calls `found` for each block in `text` that ends behind `from`. At least 63 units before `from` must be there, unless the text begins there. */
  scan(text: string, from: number, found: (start: number, end: number) => void): void {
    if (this.#sorted.length === 0) return;
    const filter = this.#filter;
    let hash = 0;
    const begin = Math.max(0, from - BLOCK + 1);
    for (let i = begin; i < text.length; i++) {
      hash = (Math.imul(hash, MULTIPLIER) + text.charCodeAt(i) + 1) | 0;
      if (i - begin >= BLOCK) hash = (hash - Math.imul(text.charCodeAt(i - BLOCK) + 1, LEAVING)) | 0;
      const start = i + 1 - BLOCK;
      if (start >= begin && filter[filterBit(hash)] === 1 && this.#isBlock(hash, text, start)) found(start, i + 1);
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

  #isBlock(hash: number, text: string, start: number): boolean {
    return this.#byHash.get(hash)?.some((block) => text.startsWith(block, start)) === true;
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

/** What a unit has become by the time it leaves the window: the multiplier to the power of 64. */
const LEAVING = power(MULTIPLIER, BLOCK);

function power(base: number, exponent: number): number {
  let result = 1;
  for (let i = 0; i < exponent; i++) result = Math.imul(result, base);
  return result;
}

function hashOf(block: string): number {
  let hash = 0;
  for (let i = 0; i < block.length; i++) hash = (Math.imul(hash, MULTIPLIER) + block.charCodeAt(i) + 1) | 0;
  return hash;
}

function filterBit(hash: number): number {
  return Math.imul(hash, 0x9e3779b1) >>> (32 - FILTER_BITS);
}
