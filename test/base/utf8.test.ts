import fc from "fast-check";
import { expect, test } from "vitest";
import { characterAt, cutAtCharacter, nextCharacter, wholeCharacters } from "../../src/base/utf8.ts";

const text = fc.string({ unit: "binary", maxLength: 60 }).map((value) => value.toWellFormed());
const decoder = new TextDecoder("utf-8", { fatal: true });

test("wholeCharacters leaves off a character that goes on, and nothing else", () => {
  fc.assert(
    fc.property(text, fc.nat(200), (whole, at) => {
      const bytes = Buffer.from(whole).subarray(0, at);
      const end = wholeCharacters(bytes);
      expect(bytes.length - end).toBeLessThan(4);
      expect(() => decoder.decode(bytes.subarray(0, end))).not.toThrow();
    }),
  );
});

test("a text may be cut wherever characterAt, nextCharacter and cutAtCharacter say", () => {
  fc.assert(
    fc.property(text, fc.nat(200), fc.integer({ min: 1, max: 20 }), (whole, somewhere, limit) => {
      const bytes = Buffer.from(whole);
      const at = Math.min(somewhere, bytes.length);
      const [before, after] = [characterAt(bytes, at), nextCharacter(bytes, at)];
      expect(before).toBeLessThanOrEqual(at);
      expect(after).toBeGreaterThanOrEqual(at);
      expect(after - before).toBeLessThanOrEqual(4);
      const end = cutAtCharacter(bytes, before, limit);
      expect(end > before || before === bytes.length).toBe(true);
      expect(end - before).toBeLessThanOrEqual(Math.max(limit, 4));
      for (const cut of [before, after, end]) {
        expect(decoder.decode(bytes.subarray(0, cut)) + decoder.decode(bytes.subarray(cut))).toBe(whole);
      }
    }),
  );
});
