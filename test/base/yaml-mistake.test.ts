import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { yamlMistake } from "../../src/base/yaml-mistake.ts";
import { readYaml } from "../../src/config/yaml-text.ts";
import { createSecretsDocument } from "../../src/secrets/secrets-document.ts";
import { parseConfig } from "../../src/wrapper/config-source.ts";

const MISTAKES: readonly (readonly [string, number, number, RegExp])[] = [
  ["a: [n33dle\nb: 1\n", 2, 1, /indentation .* or a bracket .* not closed/],
  ["a: 1\na: n33dle\n", 2, 1, /twice/],
  ["a: n33dle: c\n", 1, 4, /second `name:`/],
  ["ok: 1\n\tb: n33dle\n", 2, 1, /tab/],
  ["a: @n33dle\n", 1, 4, /needs quotes/],
  ['a: "n33dle\n', 2, 1, /end of quotes/],
  ["a: 1\nn33dle\n", 2, 1, /colon behind a name/],
  ['a: "n33dle\\q"\n', 1, 11, /double the backslash/],
];

test.each(MISTAKES)(
  "a mistake in %j is told by line and column, in words, wherever YAML is read",
  (text, line, column, words) => {
    const place = new RegExp(`line ${line}, column ${column}: `);
    const readings: string[] = [readYaml(text).mistakes[0] ?? ""];
    const answer = createSecretsDocument().find(text, "x");
    readings.push("state" in answer ? answer.state : "");
    try {
      parseConfig(text);
    } catch (error) {
      readings.push((error as Error).message);
    }
    expect(readings).toHaveLength(3);
    for (const told of readings) {
      expect(told).toMatch(place);
      expect(told).toMatch(words);
      expect(told).not.toMatch(/n33dle|[A-Z]{3,}_[A-Z_]+/);
    }
  },
);

test("every code of the parser has its words", () => {
  const declared = readFileSync(
    fileURLToPath(new URL("../../node_modules/yaml/dist/errors.d.ts", import.meta.url)),
    "utf8",
  );
  const codes = /ErrorCode = ([^;]+);/.exec(declared)?.[1]?.match(/[A-Z_]{4,}[A-Z0-9_]*/g) ?? [];
  expect(codes.length).toBeGreaterThan(20);
  // What the parser calls impossible has no meaning to tell.
  const wordless = codes.filter((code) => yamlMistake(code, { line: 1, col: 1 }).includes("it is not YAML"));
  expect(wordless).toEqual(["IMPOSSIBLE"]);
});
