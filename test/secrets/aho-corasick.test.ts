import fc from "fast-check";
import { expect, test } from "vitest";
import { AhoCorasick } from "../../src/secrets/aho-corasick.ts";

const find = (patterns: readonly string[], text: string): string[] => {
  const found: string[] = [];
  new AhoCorasick(patterns).scan(0, text, 0, (start, end) => found.push(text.slice(start, end)));
  return found;
};

test("AhoCorasick gives the longest pattern that ends at each place", () => {
  expect(find(["he", "she", "his", "hers"], "ushers")).toEqual(["she", "hers"]);
  expect(find(["a", "aa"], "aaa")).toEqual(["a", "aa", "aa"]);
  expect(find([], "text")).toEqual([]);
  expect(find(["🔑x", "ключ"], "ключ🔑x")).toEqual(["ключ", "🔑x"]);
});

test("AhoCorasick agrees with a search in a table too large for complete rows", () => {
  // Many states with many different characters: most of them are beyond the complete rows.
  const letters = Array.from({ length: 3000 }, (_, i) => String.fromCharCode(0x4e00 + i)).join("");
  const patterns = Array.from({ length: 400 }, (_, i) => letters.slice(i * 7, i * 7 + 40) + letters.slice(i, i + 5));
  const automaton = new AhoCorasick(patterns);
  const text = patterns.map((pattern, i) => `${letters.slice(i, i + 20)}${pattern}${pattern.slice(0, 30)}`).join("");
  const ends = new Set<number>();
  automaton.scan(0, text, 0, (_start, end) => ends.add(end));
  for (const pattern of patterns) {
    for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
      expect(ends.has(at + pattern.length)).toBe(true);
    }
  }
  expect(ends.size).toBeGreaterThanOrEqual(400);
});

test("AhoCorasick goes on from its state as if the text had come at once", () => {
  const word = fc.string({ unit: fc.constantFrom("a", "b", "c"), minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(fc.array(word, { maxLength: 8 }), fc.array(word, { maxLength: 12 }), (patterns, pieces) => {
      const automaton = new AhoCorasick(patterns);
      const ends: number[] = [];
      let [state, offset] = [0, 0];
      for (const piece of pieces) {
        state = automaton.scan(state, piece, 0, (_start, end) => ends.push(offset + end));
        offset += piece.length;
      }
      const whole: number[] = [];
      automaton.scan(0, pieces.join(""), 0, (_start, end) => whole.push(end));
      expect(ends).toEqual(whole);
    }),
  );
});
