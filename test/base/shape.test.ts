import { expect, test } from "vitest";
import {
  anything,
  fields,
  filledText,
  list,
  mapping,
  mappingOf,
  number,
  oneOf,
  optional,
  positiveNumber,
  readShape,
  type Shape,
  text,
  textLike,
  uuid,
  variants,
  whole,
} from "../../src/base/shape.ts";

const problemsOf = (shape: Shape<unknown>, value: unknown): readonly string[] =>
  (readShape(shape, value).problems ?? []).map(({ path, message }) => `${path}: ${message}`);

test.each([
  [text, "", ["", "a"], [1, null, undefined, [], {}]],
  [filledText, "", ["a"], ["", 1]],
  [textLike(/^a+$/, "some a"), "", ["aa"], ["", "b", 1]],
  [uuid, "", ["0f8fad5b-d9cb-469f-a165-70867728950e"], ["../../etc", "0f8fad5b", 1, ""]],
  [number, "", [0, -1.5], [Number.NaN, Number.POSITIVE_INFINITY, "1", null]],
  [positiveNumber, "", [0.1], [0, -1, "1"]],
  [whole({ least: 1, most: 2 ** 40 }), "", [1, 2 ** 40], [0, 1.5, 2 ** 40 + 1, 2 ** 60, "1", null]],
  [oneOf(1), "", [1], [2, "1"]],
  [mapping, "", [{}, { a: [] }], [[], null, "a"]],
  [list(text), "", [[], ["a"]], [["a", 1], {}, "a"]],
  [mappingOf(text), "", [{}, { a: "b" }], [{ a: 1 }, [], null]],
  [
    fields({ a: text, b: optional(text) }),
    "",
    [{ a: "" }, { a: "", b: "" }],
    [{}, { b: "" }, { a: "", c: 1 }, null, []],
  ],
] as [Shape<unknown>, string, unknown[], unknown[]][])(
  "shape %# takes what fits and nothing else",
  (shape, _, good, bad) => {
    for (const value of good) expect(readShape(shape, value)).toEqual({ value });
    for (const value of bad) expect(problemsOf(shape, value), JSON.stringify(value)).not.toEqual([]);
  },
);

test("anything takes everything", () => {
  expect(problemsOf(anything, null)).toEqual([]);
});

test("problems name the place from the outside in and never the value", () => {
  const shape = fields({ a: list(fields({ b: text })), c: mappingOf(whole({ least: 0, most: 9 })) });
  const problems = problemsOf(shape, { a: [{ b: "" }, { b: 77, secret: 1 }], c: { d: "n33dle" }, e: 1 });
  expect(problems).toEqual([
    "a.1.b: must be a text",
    "a.1.secret: is not known",
    "c.d: must be a whole number from 0 to 9",
    "e: is not known",
  ]);
});

test("a name that every object has is not a field", () => {
  expect(problemsOf(fields({ constructor: text } as never), {})).toEqual(["constructor: is missing"]);
  expect(problemsOf(fields({}), JSON.parse('{"__proto__":1}'))).toEqual(["__proto__: is not known"]);
});

test("variants are told apart by their key", () => {
  const shape = variants<{ readonly who: string }>("who", {
    a: fields({ who: oneOf("a") }),
    b: fields({ who: oneOf("b"), more: text }),
  });
  expect(problemsOf(shape, { who: "b", more: "" })).toEqual([]);
  expect(problemsOf(shape, { who: "b" })).toEqual(["more: is missing"]);
  for (const value of [{ who: "toString" }, {}, null, 1])
    expect(problemsOf(shape, value)).toEqual(["who: must be a or b"]);
});
