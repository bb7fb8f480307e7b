import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonMistake } from "../../src/base/json-mistake.ts";

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

test.each([
  ['{"a": 1,\n "b" 2}', "line 2, column 6: a colon must stand there"],
  ['{"a": "x"\n "b": 2}', "line 2, column 2: a comma or } must stand there"],
  ['{"a": [1, 2}', "line 1, column 12: a comma or ] must stand there"],
  ["name: n33dle\n", "line 1, column 1: a value must stand there: "],
  ["{name: 1}", "line 1, column 2: a name in double quotes or } must stand there"],
  ['{"a": 1,}', "line 1, column 9: a name in double quotes must stand there"],
  ['{"a": n33dle}', "line 1, column 7: a value must stand there: "],
  ['{"a": 1', "line 1, column 8: a comma or } must stand there, and the text ends"],
  ['{"a": 1} x', "line 1, column 10: nothing more may follow"],
])("jsonMistake tells of %j: %s", (text, told) => {
  expect(jsonMistake(text)).toContain(told);
  expect(jsonMistake(text)).not.toContain("n33dle");
});

test("jsonMistake finds a mistake in what is no JSON, in a place that is in the text, and none in JSON", () => {
  const damage = fc.record({
    at: fc.nat(400),
    cut: fc.nat(3),
    put: fc.constantFrom("", ",", "}", "]", '"', ":", "1", "x", "\n"),
  });
  const anyText = fc.tuple(fc.json({ maxDepth: 3 }), fc.option(damage, { nil: undefined })).map(([json, harm]) => {
    if (harm === undefined) return json;
    const at = harm.at % (json.length + 1);
    return json.slice(0, at) + harm.put + json.slice(at + harm.cut);
  });
  const property = fc.property(anyText, (text) => {
    const told = jsonMistake(text);
    expect(told === undefined, text).toBe(isJson(text));
    if (told === undefined) return;
    const [, line = 0, column = 0] = (/^line (\d+), column (\d+): /.exec(told) ?? []).map(Number);
    const lines = text.split("\n");
    expect(line).toBeLessThanOrEqual(lines.length);
    expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
  });
  fc.assert(property, { seed: 20_261_129, numRuns: 2000 });
});

test("jsonMistake reads a text as large as a body may be, and as deep", () => {
  expect(jsonMistake(JSON.stringify({ a: "x".repeat(1_048_000) }))).toBeUndefined();
  expect(jsonMistake("[".repeat(500_000))).toMatch(/^line 1, column 500001: /);
});
