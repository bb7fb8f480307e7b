import fc from "fast-check";
import { expect, test } from "vitest";
import { createRedactor, MASK } from "../../src/secrets/redactor.ts";

/** What is more than a bracket or a ruler: four letters or digits. */
const word = fc
  .string({ unit: fc.constantFrom(..."abcXYZ019_-+/=%&\"'\\ü🔑$ "), minLength: 6, maxLength: 30 })
  .filter((text) => (text.match(/[a-z0-9ü]/gi) ?? []).length >= 4);
const composite = fc.record({
  user: word,
  password: word,
  key: fc.array(word, { minLength: 2, maxLength: 6 }).map((lines) => lines.join("\n")),
});
const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const hex = (text: string): string => Buffer.from(text).toString("hex");

/** Every way that is promised, with the text whose fragments must not show. */
function ways(secret: string, fields: readonly string[]): readonly string[] {
  const lines = fields.flatMap((field) => field.split("\n"));
  const spelled = [secret, ...fields].flatMap((text) => [
    text,
    JSON.stringify(text),
    JSON.stringify(JSON.stringify(text)),
    encodeURIComponent(text),
    encodeURIComponent(text).replaceAll("%20", "+"),
    hex(text),
    hex(text).toUpperCase(),
    base64(text),
    base64(`x${text}y`),
    base64(`xy${text}z`),
    Buffer.from(`user:${text}`).toString("base64url"),
  ]);
  const wrapped = [64, 76].map((columns) => base64(secret).replace(new RegExp(`.{${columns}}`, "g"), "$&\n"));
  return [...spelled, ...wrapped, ...lines, secret.replaceAll("\n", "\r\n")];
}

/** Stretches of so many units of a text. */
function windows(text: string, length: number): string[] {
  return Array.from({ length: Math.max(0, text.length - length + 1) }, (_, at) => text.slice(at, at + length));
}

test("of a multi-line JSON secret nothing of six characters shows, whichever way it is printed and cut", () => {
  fc.assert(
    fc.property(composite, fc.boolean(), cuts, (value, pretty, lengths) => {
      const secret = JSON.stringify(value, undefined, pretty ? 2 : 0);
      const fields = Object.values(value);
      const stream = createRedactor([secret]).stream();
      const text = ways(secret, fields).join("\n§§§\n");
      let out = "";
      for (let at = 0, count = 0; at < text.length; count++) {
        const length = lengths[count % lengths.length] ?? 1;
        out += stream.push(text.slice(at, at + length));
        at += length;
      }
      out += stream.end();
      const left = out.split(MASK).filter((piece) => piece.length >= 6);
      const raw = new Set([secret, ...fields].flatMap((known) => windows(known, 6)));
      const encoded = new Set(
        fields.flatMap((known) => [...windows(base64(known).slice(0, -4), 8), ...windows(hex(known), 12)]),
      );
      for (const piece of left) {
        for (const part of windows(piece, 6)) expect(raw.has(part), `${part} in ${piece}`).toBe(false);
        for (const part of [...windows(piece, 8), ...windows(piece, 12)]) expect(encoded.has(part), part).toBe(false);
      }
    }),
    { numRuns: 60 },
  );
});

test("a value of a megabyte in one line of many spellings masks without a pass over the text for each", () => {
  const secret = Array.from({ length: 3000 }, (_, number) => `${number * 7919}/ü`).join("");
  const redactor = createRedactor([secret]);
  expect(redactor.mask(`a ${secret} b ${hex(secret)} c`)).toBe(`a ${MASK} b ${MASK} c`);
});
