/** A stream of chance that a seed and a name fix for good: two streams of one seed don't disturb each other. */
export interface Chance {
  /** A number in [0, 1). */
  next(): number;
  /** A number in [least, most). */
  between(least: number, most: number): number;
  /** One of the values, by their weights; undefined for an empty list. */
  weighted<T>(choices: readonly { readonly weight: number; readonly value: T }[]): T | undefined;
  /** One of the values; undefined for an empty list. */
  pick<T>(values: readonly T[]): T | undefined;
}

/** Opens the stream `name` of a seed. */
export function openChance(seed: number, name: string): Chance {
  let state = seed >>> 0;
  for (const character of name) state = Math.imul(state ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  const next = (): number => {
    // Mulberry32: small, and good enough for drawing lots.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
  return {
    next,
    between: (least, most) => least + next() * (most - least),
    weighted(choices) {
      let left = next() * choices.reduce((sum, choice) => sum + choice.weight, 0);
      for (const { weight, value } of choices) {
        left -= weight;
        if (left < 0) return value;
      }
      return choices.at(-1)?.value;
    },
    pick: (values) => values[Math.floor(next() * values.length)],
  };
}
