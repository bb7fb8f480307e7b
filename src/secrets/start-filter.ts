/** Units of a pattern that the filter looks at; it serves only patterns of at least this length. */
export const START_UNITS = 4;

const GRAM_BITS = 16;
const PAIRS = 65_536;

/**
 * Tells quickly where in a text no pattern can begin. Most of a log is skipped in steps of up to three units: a pair of units
 * that stands in the first four units of no pattern rules out three beginnings at once. It errs only towards "may begin".
 */
export class StartFilter {
  /** How far a pair of units, standing third and fourth behind a place, lets that place move on; 0 when it must be looked at. */
  readonly #steps = new Uint8Array(PAIRS).fill(START_UNITS - 1);
  readonly #starts = new Uint8Array(2 ** GRAM_BITS);

  constructor(patterns: Iterable<string>) {
    for (const pattern of patterns) {
      if (pattern.length < START_UNITS) throw new RangeError("a pattern is too short for the filter");
      for (let at = 0; at + 1 < START_UNITS; at++) {
        const pair = pairOf(pattern.charCodeAt(at), pattern.charCodeAt(at + 1));
        this.#steps[pair] = Math.min(this.#steps[pair] ?? 0, START_UNITS - 2 - at);
      }
      this.#starts[startOf(pattern, 0)] = 1;
    }
  }

  /** The first place from `from` on where a pattern may begin, or the first one with less than four units behind it. */
  next(text: string, from: number): number {
    const [steps, starts] = [this.#steps, this.#starts];
    const end = text.length - START_UNITS;
    let at = from;
    while (at <= end) {
      const step = steps[pairOf(text.charCodeAt(at + 2), text.charCodeAt(at + 3))] as number;
      if (step !== 0) at += step;
      else if (starts[startOf(text, at)] !== 0) return at;
      else at += 1;
    }
    return Math.max(from, Math.min(at, end + 1));
  }

  /** False when no pattern begins at this place, which has at least four units behind it. */
  mayBegin(text: string, at: number): boolean {
    return this.#starts[startOf(text, at)] !== 0;
  }
}

/** Units above 255 share an entry with others. */
function pairOf(first: number, second: number): number {
  return ((first & 0xff) << 8) | (second & 0xff);
}

function startOf(text: string, at: number): number {
  const pairs = (text.charCodeAt(at) << 24) ^ (text.charCodeAt(at + 1) << 16) ^ (text.charCodeAt(at + 2) << 8);
  return Math.imul(pairs ^ text.charCodeAt(at + 3), 0x9e3779b1) >>> (32 - GRAM_BITS);
}
