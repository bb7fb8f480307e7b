import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exactNumber, isExactNumber, isJsonObject, jsonForYaml, parseExact } from "../../src/base/exact-json.ts";
import { numberText } from "../fakes/number-text.ts";

describe("parseExact", () => {
  it("keeps every number as it was written, wherever it stands", () => {
    fc.assert(
      fc.property(numberText, numberText, (one, other) => {
        const text = `{"a":${one},"list":[${other},"${one}",{"b":${other}}]}`;
        expect(JSON.stringify(parseExact(text))).toBe(text);
      }),
    );
  });

  it("answers the same as JSON.parse when no number would change", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(text);
        const written = JSON.stringify(value);
        expect(parseExact(written)).toStrictEqual(JSON.parse(written));
      }),
    );
  });

  it("takes digits inside of strings and keys for text", () => {
    const text = String.raw`{"1.0":"1.0","\"2.50":"a\\","c":[1.50]}`;
    expect(JSON.stringify(parseExact(text))).toBe(text);
  });

  it.each(["01", "-", "1.", ".5", "1e", "+1", "NaN", "[1.0", '{"a":1.0,}'])("refuses %s as JSON.parse does", (text) => {
    expect(() => parseExact(text)).toThrow(SyntaxError);
  });

  it("makes leaves of such numbers and ordinary numbers of all others", () => {
    expect(parseExact("[1,-2,0.5,1e+21]")).toStrictEqual([1, -2, 0.5, 1e21]);
    for (const text of ["1.0", "-0", "1E5", "1e400", "12345678901234567890", "0.10"]) {
      const value = parseExact(text);
      expect(isExactNumber(value)).toBe(true);
      expect(isJsonObject(value)).toBe(false);
    }
  });

  it("doesn't take what somebody sent for such a leaf", () => {
    const value = parseExact('{"rawJSON":"1.0","n":1.0}');
    expect(isExactNumber(value)).toBe(false);
    expect(isJsonObject(value)).toBe(true);
  });

  it("gives no object another prototype", () => {
    const value = parseExact('{"__proto__":{"admin":true},"n":1.0}') as { admin?: boolean };
    expect(value.admin).toBeUndefined();
    expect(Object.keys(value)).toEqual(["__proto__", "n"]);
  });
});

describe("jsonForYaml", () => {
  it.each([
    ["1e-7", "1.0e-7"],
    ["1E5", "1.0e+5"],
    ["1e+20", "1.0e+20"],
    ["-2.50E3", "-2.50e+3"],
    ["1e400", "1.0e+400"],
    ["-0", "-0"],
    ["1.0", "1.0"],
    ["12345678901234567890", "12345678901234567890"],
    ["0.1", "0.1"],
  ])("writes %s as %s", (sent, written) => {
    expect(jsonForYaml({ n: exactNumber(sent) })).toBe(`{"n":${written}}`);
  });

  it("writes the numbers that JavaScript itself would give an exponent", () => {
    expect(jsonForYaml([1e-7, 1e21, -1.5e-9])).toBe("[1.0e-7,1.0e+21,-1.5e-9]");
  });
});
