import fc from "fast-check";
import { expect, test } from "vitest";
import { clip } from "../../src/base/clip.ts";

test("clip never splits a character and never exceeds the limit", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 40 }), fc.integer({ min: 1, max: 40 }), (text, most) => {
      const clipped = clip(text, most);
      expect(clipped.length).toBeLessThanOrEqual(most);
      expect(clipped.isWellFormed()).toBe(true);
      // Nothing in it that the text hasn't: no replacement character of ours.
      const kept = clipped === text ? text : clipped.slice(0, -1);
      expect(text.startsWith(kept)).toBe(true);
      expect(text.length - kept.length <= 2 || kept.length >= most - 2).toBe(true);
    }),
  );
});

test("clip leaves a text that fits as it is", () => {
  expect(clip("a".repeat(2000), 2000)).toBe("a".repeat(2000));
  expect(clip("🔑", 2)).toBe("🔑");
});

test("clip of 1,999 characters and an emoji to 2,000 leaves the emoji out", () => {
  expect(clip(`${"x".repeat(1999)}🔑`, 2000)).toBe(`${"x".repeat(1999)}…`);
  expect(clip(`${"x".repeat(1998)}🔑🔑`, 2000)).toBe(`${"x".repeat(1998)}…`);
});

test("clip makes half of a pair that was in the text a replacement character", () => {
  expect(clip("a\ud800", 10)).toBe("a\ufffd");
});
