import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor, MASK } from "../../src/secrets/redactor.ts";
import { maskOutput } from "../../src/wrapper/masked-output.ts";
import { FakeClock } from "../fakes/clock.ts";

/** What becomes of output that comes in these pieces. */
async function through(pieces: readonly Uint8Array[], secrets: readonly string[] = []): Promise<string> {
  let out = "";
  const output = maskOutput(createRedactor(secrets), new FakeClock(), async (text) => {
    out += text;
  });
  for (const piece of pieces) await output.stdout(piece);
  await output.end();
  return out;
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The bytes of a text in pieces of these lengths, over and over. */
function inPieces(text: string, lengths: readonly number[]): Uint8Array[] {
  const whole = bytes(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0, count = 0; at < whole.length; count++) {
    const length = lengths[count % lengths.length] ?? 1;
    pieces.push(whole.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

test.each([
  ["a progress bar", "10%\r20%\r30%\n", "10%\n20%\n30%\n"],
  ["a progress bar that isn't ended", "10%\r20%", "10%\n20%"],
  ["lines of Windows", "one\r\ntwo\r\n", "one\ntwo\n"],
  ["returns in a row", "a\r\rb\r\r\nc", "a\n\nb\n\nc"],
  ["a return at the very end", "a\r", "a\n"],
])("every carriage return ends a line: %s", async (_what, printed, expected) => {
  expect(await through([bytes(printed)])).toBe(expected);
  expect(await through(inPieces(printed, [1]))).toBe(expected);
});

test("output is the same wherever it was cut, carriage returns and characters included", async () => {
  const text = fc.string({ unit: fc.constantFrom("a", "ü", "🔑", "\r", "\n", "geheim"), maxLength: 60 });
  const lengths = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(text, lengths, async (printed, cuts) => {
      const out = await through(inPieces(printed, cuts), ["geheim"]);
      expect(out).toBe(await through([bytes(printed)], ["geheim"]));
      expect(out).not.toContain("\r");
      expect(out.replaceAll(MASK, "geheim").replace(/(geheim)+/g, "geheim")).toBe(
        printed.replace(/\r\n?/g, "\n").replace(/(geheim)+/g, "geheim"),
      );
    }),
  );
});

test("a line of a MiB without an end is passed on in pieces and loses nothing", async () => {
  let most = 0;
  let out = "";
  const output = maskOutput(createRedactor(["geheim"]), new FakeClock(), async (text) => {
    most = Math.max(most, text.length);
    out += text;
  });
  const line = "ü-x".repeat(262_144);
  let taken = 0;
  for (const piece of inPieces(line, [65_536, 4096, 1])) {
    await output.stdout(piece);
    taken += piece.length;
    expect(Buffer.byteLength(out)).toBeGreaterThan(taken - 65_536);
  }
  await output.end();
  expect(out).toBe(line);
  expect(most).toBeLessThanOrEqual(65_536 + 16_384);
});

test("a value whose line ends are returns is masked before they become line ends", async () => {
  expect(await through(inPieces("x ab\rcd y", [1]), ["ab\ncd"])).toBe(`x ${MASK} y`);
});
