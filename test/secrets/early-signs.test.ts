import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { createRedactor, MASK } from "../../src/secrets/redactor.ts";

const code = (unit: string): string => unit.charCodeAt(0).toString(16);
const signs = (write: (unit: string) => string) => (value: string) =>
  value.replace(/[^A-Za-z0-9]/g, (unit) => write(unit));
const WRITERS: Readonly<Record<string, (value: string) => string>> = {
  "decimal references": signs((unit) => `&#${unit.charCodeAt(0)};`),
  "hexadecimal references": signs((unit) => `&#x${code(unit).toUpperCase()};`),
  "hexadecimal references in small letters": signs((unit) => `&#x${code(unit)};`),
  "\\u003d": signs((unit) => `\\u${code(unit).padStart(4, "0")}`),
  "\\u003D": signs((unit) => `\\u${code(unit).padStart(4, "0").toUpperCase()}`),
  "\\x2f": signs((unit) => `\\x${code(unit).padStart(2, "0")}`),
  "\\x2F": signs((unit) => `\\x${code(unit).padStart(2, "0").toUpperCase()}`),
  "octal escapes": signs((unit) => `\\${unit.charCodeAt(0).toString(8).padStart(3, "0")}`),
};
const PLAIN = "q7Kw29Zp";

test.each(Object.entries(WRITERS))("a sign among the first units of a value is known in %s", (_, write) => {
  const seen: string[] = [];
  for (const sign of "+=/&-.:@#") {
    for (const at of [1, 2, 3, 4, 5, 6]) {
      const value = PLAIN.slice(0, at) + sign + PLAIN.slice(at);
      if (createRedactor([value]).mask(`[${write(value)}]`) !== `[${MASK}]`) seen.push(write(value));
    }
  }
  expect(seen).toEqual([]);
});

test("a control character or an umlaut among the first units is known in what shells and ls make of it", () => {
  const script = `printf '%q\\n' "$1"; printf '%s\\n' "\${1@Q}"; printf '%s\\n' "$1" | cat -v; LC_ALL=C ls --quoting-style=shell-escape -d -- "$1" 2>&1`;
  const seen: string[] = [];
  for (const sign of ["\t", "\x1b", "\x01", "ü"]) {
    for (const at of [1, 2, 3, 4]) {
      const value = PLAIN.slice(0, at) + sign + PLAIN.slice(at);
      const env = { PATH: process.env["PATH"] ?? "", SHLVL: "1", LC_ALL: "C" };
      // What isn't ASCII is no control character to `cat -v`, which writes the bits of its bytes.
      const text = spawnSync("bash", ["-c", sign === "ü" ? script.replace(" | cat -v", "") : script, "x", value], {
        encoding: "utf8",
        env,
      }).stdout;
      const left = createRedactor([value]).mask(text);
      if (left.includes(PLAIN.slice(at))) seen.push(left);
    }
  }
  expect(seen).toEqual([]);
});

test("what Python's pprint breaks into lines of bytes is masked as a whole", () => {
  const jwt = `eyJhbGciOiJIUzI1NiJ9.${"eyJzdWIiOiJzb21lYm9keSJ9abcDEF123".repeat(5)}.c2lnbmF0dXJl`;
  const { stdout } = spawnSync("python3", ["-c", "import pprint,sys; pprint.pprint(sys.argv[1].encode())", jwt], {
    encoding: "utf8",
  });
  expect(stdout).toContain("\n b'");
  expect(createRedactor([jwt]).mask(stdout)).toMatch(/^\(?b'\[redacted\]'\)?\n$/);
  const stream = createRedactor([jwt]).stream();
  expect(Array.from(stdout, (unit) => stream.push(unit)).join("") + stream.end()).toBe(
    createRedactor([jwt]).mask(stdout),
  );
});
