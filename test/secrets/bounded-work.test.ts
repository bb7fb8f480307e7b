import { expect, test, vi } from "vitest";
import { PieceMatcher } from "../../src/secrets/piece-matcher.ts";
import { createRedactor, MASK } from "../../src/secrets/redactor.ts";

const LINES = Array.from({ length: 1000 }, (_, line) => `line${line} abc`).join("\n");
const HEX = Buffer.from(LINES).toString("hex");
const REDACTOR = createRedactor([LINES]);

/** Beginnings that are followed in a text that comes in pieces of so many units. */
function followed(text: string, units: number): { readonly count: number; readonly out: string } {
  const follow = vi.spyOn(PieceMatcher.prototype, "follow");
  try {
    const stream = REDACTOR.stream();
    let out = "";
    for (let at = 0; at < text.length; at += units) out += stream.push(text.slice(at, at + units));
    out += stream.end();
    return { count: follow.mock.calls.length, out };
  } finally {
    follow.mockRestore();
  }
}

test.each([[16], [500], [65_536]])(
  "a thousand pieces that begin alike are followed a bounded number of times, in pieces of %d units",
  (units) => {
    for (const text of [HEX.slice(0, -2).repeat(3), `${HEX.slice(0, -2)}\n`.repeat(3), HEX.replace(/../g, "$&:")]) {
      // Eight for each unit and 16,384 more; besides 64 for each piece of text.
      const most = 8 * text.length + 16_384 + 65 * Math.ceil(text.length / units);
      const { count, out } = followed(text, units);
      expect(count).toBeLessThan(most);
      expect(out.replaceAll(MASK, "").match(/[0-9a-f]{8,}/g)).toBeNull();
    }
  },
);

test("what can't be followed is masked to the end of its line, and then all goes on as before", () => {
  const innocent = "an innocent line\n".repeat(2000);
  const { out } = followed(`${HEX.slice(0, -2).repeat(2)}\n${innocent}${LINES}`, 1000);
  expect(out).toContain(innocent.slice(0, -1));
  expect(out).not.toMatch(/line\d+ abc/);
});
