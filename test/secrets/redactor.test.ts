import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRedactor, MASK, type Redactor } from "../../src/secrets/redactor.ts";
import { isWorthMasking, piecesOf } from "../../src/secrets/secret-pieces.ts";

const masked = (values: readonly string[], text: string): string => createRedactor(values).mask(text);

/** Puts a text through a stream in pieces of the given lengths, over and over. */
function inPieces(redactor: Redactor, text: string, lengths: readonly number[]): string {
  const stream = redactor.stream();
  let out = "";
  for (let at = 0, i = 0; at < text.length; i++) {
    const length = lengths[i % lengths.length] ?? 1;
    out += stream.push(text.slice(at, at + length));
    at += length;
  }
  return out + stream.end();
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

describe("mask knows a secret under every spelling", () => {
  const secret = `p@"ss/w\\rd'§ ü\n<$>🔑`;
  const spellings: Record<string, string> = {
    "as it is": secret,
    JSON: JSON.stringify(secret),
    "JSON in JSON": JSON.stringify(JSON.stringify({ a: secret })),
    "JSON with \\/": JSON.stringify(secret).replaceAll("/", "\\/"),
    "JSON in ASCII": JSON.stringify(secret).replace(
      /[^ -~]/g,
      (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
    ),
    "JSON without $": JSON.stringify(secret).replace("$", "\\u0024"),
    "JSON of Go": JSON.stringify(secret).replace("<", "\\u003c").replace(">", "\\u003e"),
    "Python repr": `'p@"ss/w\\\\rd\\'§ ü\\n<$>🔑'`,
    encodeURIComponent: encodeURIComponent(secret),
    "URL with lower case": encodeURIComponent(secret).replace(/%../g, (c) => c.toLowerCase()),
    "Python quote": encodeURIComponent(secret).replace("'", "%27").replace("%2F", "/"),
    "Python quote_plus": encodeURIComponent(secret).replace("'", "%27").replaceAll("%20", "+"),
    base64: base64(`${secret}`),
    "base64 behind one byte": base64(`x${secret}y`),
    "base64 behind two bytes": base64(`xy${secret}z`),
    "base64 of user:password": base64(`admin:${secret}`),
    "base64 for URLs": Buffer.from(`user:${secret}`).toString("base64url"),
    "base64 of JSON": base64(JSON.stringify({ password: secret })),
    "its first line": "p@\"ss/w\\rd'§ ü",
    "carriage returns": secret.replace("\n", "\r\n"),
  };
  for (const [what, text] of Object.entries(spellings)) {
    test(what, () => {
      const out = masked([secret], `before ${text} after`);
      expect(out).toContain(MASK);
      expect(out).toMatch(/^before .*\[redacted\].* after$/s);
      // Left over may be quotes, keys, and in base64 what stands around the secret with the characters that share bits with it.
      expect(out.replaceAll(MASK, "").length).toBeLessThanOrEqual("before  after".length + 30);
      expect(out).not.toMatch(/ss.?w|ss%2Fw|c3Mvd/);
    });
  }
});

test("a token of three parts is masked in base64 of either alphabet too, alone and as a password", () => {
  const part = (text: string): string => Buffer.from(text).toString("base64url");
  const token = `${part('{"alg":"EdDSA"}')}.${part('{"iss":"any","sub":"west-1"}')}.${part("n33dle".repeat(8))}`;
  for (const before of ["", "u:", "us:", "user:", "Bearer "]) {
    for (const form of ["base64", "base64url", "hex"] as const) {
      const out = masked([token], `before ${Buffer.from(before + token).toString(form)} after`);
      expect(out).toMatch(/^before \S{0,20}\[redacted\]\S{0,4} after$/);
    }
  }
});

test("mask covers each line of a value, whatever ends them", () => {
  const key = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----";
  expect(masked([key], "  | MIIEvQIBADANBg\r\n  | kqhkiG9w0BAQEF\r")).toBe(`  | ${MASK}\r\n  | ${MASK}\r`);
  expect(masked([key], key.replaceAll("\n", "\r\n"))).toBe(MASK);
});

test("mask covers the leaves of a JSON value, texts of four and numbers of six digits", () => {
  const value = '{"user":"admin","port":5432,"account":123456789,"tls":true,"mode":"true","list":["abc","abcd"]}';
  const text = "admin 5432 123456789 true abc abcd null";
  expect(masked([value], text)).toBe(`${MASK} 5432 ${MASK} true abc ${MASK} null`);
  expect(masked([value], value)).toBe(MASK);
});

test("what can't be told apart from innocent output is left, and that can be asked", () => {
  const plain = ["", "a", "abc", "    ", "----", "{ [ } ]", "====", "true", "None", "}},\n}"];
  const values = ["abcd", "1234", "äöüß", "!@#$", "a--b"];
  expect(plain.filter(isWorthMasking)).toEqual(["{ [ } ]"]);
  expect(values.filter(isWorthMasking)).toEqual(values);
  const redactor = createRedactor([...plain, ...values]);
  expect(redactor.mask("a abc     ---- true }},\n} abcd")).toBe(`a abc     ---- true }},\n} ${MASK}`);
});

test("without values nothing changes", () => {
  const redactor = createRedactor(["", "x"]);
  const stream = redactor.stream();
  expect(stream.push("any text") + stream.end()).toBe("any text");
});

test("overlapping and touching secrets share one mask", () => {
  expect(masked(["abcdef", "defghi"], "xabcdefghiy")).toBe(`x${MASK}y`);
  expect(masked(["abcd", "efgh"], "abcdefgh abcd efgh")).toBe(`${MASK} ${MASK} ${MASK}`);
  expect(masked(["abcd", "xabcdy"], "xabcdz")).toBe(`x${MASK}z`);
  expect(masked(["aaaa"], "aaaaaaa b aaa")).toBe(`${MASK} b aaa`);
});

test("a stream gives out what can't be the beginning of a secret", () => {
  const long = Array.from({ length: 40 }, (_, i) => `part${i}`).join(".");
  const stream = createRedactor(["password123", long]).stream();
  expect(stream.push("hello pass")).toBe("hello ");
  expect(stream.push("port ok\n")).toBe("passport ok\n");
  expect(stream.push(`x${long.slice(0, 63)}`)).toBe("x");
  expect(stream.push("! and so on")).toBe(`${long.slice(0, 63)}! and so on`);
  expect(stream.push("passwor")).toBe("");
  expect(stream.push("d123")).toBe(MASK);
  expect(stream.end()).toBe("");
});

test("a stream never tears a character apart", () => {
  const stream = createRedactor(["secret"]).stream();
  const [high, low] = ["🔑".slice(0, 1), "🔑".slice(1)];
  expect(stream.push(`a${high}`)).toBe("a");
  expect(stream.push(low)).toBe("🔑");
  expect(stream.end()).toBe("");
});

test("a secret of a megabyte is masked as one, whole or in part, and needs little room", () => {
  const unit = Array.from({ length: 100 }, (_, i) => `k${i * 7919}`).join("");
  const secret = Array.from({ length: 2600 }, (_, i) => `${i}${unit.slice(i % 97, (i % 97) + 400)}`).join("");
  expect(secret.length).toBeGreaterThan(1_000_000);
  const redactor = createRedactor([secret]);
  expect(inPieces(redactor, `a${secret}b`, [65_536, 1, 7])).toBe(`a${MASK}b`);
  expect(inPieces(redactor, `a${JSON.stringify(secret)}b`, [4096])).toBe(`a"${MASK}"b`);
  const part = redactor.mask(secret.slice(5000, 9000));
  expect(part.replaceAll(MASK, "").length).toBeLessThan(128);
});

describe("for any secrets and any text", () => {
  const secretText = fc.oneof(
    fc.string({ unit: "grapheme", minLength: 4, maxLength: 40 }),
    fc.string({ unit: "binary", minLength: 4, maxLength: 200 }),
    fc.string({ unit: fc.constantFrom("a", "b", "\n", "\r", "/", '"'), minLength: 4, maxLength: 150 }),
  );
  const world = fc.record({
    secrets: fc.array(secretText.filter(isWorthMasking), { minLength: 1, maxLength: 4 }),
    around: fc.array(fc.string({ unit: "grapheme", maxLength: 30 }), { minLength: 2, maxLength: 6 }),
    picks: fc.array(fc.nat(), { minLength: 6, maxLength: 6 }),
    pieces: fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 }),
  });
  /** Random text with what is looked for in between, as it is and quoted. */
  const textOf = (secrets: readonly string[], around: readonly string[], picks: readonly number[]): string =>
    around
      .map((text, i) => {
        const secret = secrets[(picks[i] ?? 0) % secrets.length] ?? "";
        const spellings = piecesOf(secret).flatMap(({ text: piece }) => [piece, JSON.stringify(piece)]);
        return text + (spellings[(picks[i] ?? 0) % Math.max(1, spellings.length)] ?? "");
      })
      .join("");

  test("nothing that is looked for survives between the masks", () => {
    fc.assert(
      fc.property(world, ({ secrets, around, picks, pieces }) => {
        const text = textOf(secrets, around, picks);
        const out = inPieces(createRedactor(secrets), text, pieces);
        const left = out.split(MASK);
        for (const { text: piece } of secrets.flatMap(piecesOf)) {
          if (piece.includes(MASK) || MASK.includes(piece)) continue;
          if (left.some((rest) => rest.includes(piece))) throw new Error(`survived: ${JSON.stringify(piece)}`);
        }
      }),
      { numRuns: 60 },
    );
  });

  test("it doesn't matter where the text is cut", () => {
    fc.assert(
      fc.property(world, ({ secrets, around, picks, pieces }) => {
        const text = textOf(secrets, around, picks);
        const redactor = createRedactor(secrets);
        expect(inPieces(redactor, text, pieces)).toBe(redactor.mask(text));
      }),
      { numRuns: 60 },
    );
  });

  test("text that shares no four characters in a row with a secret or what it becomes comes out unchanged", () => {
    const letters = fc.string({ unit: fc.constantFrom(..."abcdefABCDEF0123"), minLength: 4, maxLength: 90 });
    const others = fc.string({ unit: fc.constantFrom(..."ghijk .:\n'\"\\%&;äß"), maxLength: 200 });
    fc.assert(
      fc.property(fc.array(letters.filter(isWorthMasking)), others, (secrets, text) => {
        expect(createRedactor(secrets).mask(text)).toBe(text);
      }),
      { numRuns: 60 },
    );
  });
});
