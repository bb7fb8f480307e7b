import { inspect } from "node:util";
import { expect, test } from "vitest";
import { CodedError, defineErrors, describeError, errorCode, explainError, isKind } from "../../src/base/errors.ts";
import { Sensitive } from "../../src/base/sensitive.ts";

const KINDS = defineErrors({
  StoveOff: { retryable: true, advice: "Switch it on" },
  PanMissing: { retryable: false, advice: "Buy one" },
});

test("CodedError carries code, advice, facts and cause", () => {
  const cause = new Error("no gas");
  const error = new CodedError(KINDS.StoveOff, "Cannot cook soup: the stove is off", { cause, facts: { burner: 2 } });
  expect(error).toMatchObject({
    name: "StoveOff",
    code: "StoveOff",
    retryable: true,
    advice: "Switch it on",
    facts: { burner: 2 },
  });
  expect(error.cause).toBe(cause);
  expect(explainError(error)).toBe("StoveOff: Cannot cook soup: the stove is off: no gas\n  next: Switch it on");
});

test("isKind tells kinds apart", () => {
  const error = new CodedError(KINDS.StoveOff, "Cannot cook soup: the stove is off");
  expect([
    isKind(error, KINDS.StoveOff),
    isKind(error, KINDS.PanMissing),
    isKind(new Error("x"), KINDS.StoveOff),
  ]).toEqual([true, false, false]);
});

test("describeError joins the causes and survives values that can't be printed", () => {
  const loop: { cause?: unknown; toString(): string } = { toString: () => "round" };
  loop.cause = loop;
  const hostile = {
    toString() {
      throw new Error("never");
    },
  };
  expect(describeError(new Error("outer", { cause: new Error("inner") }))).toBe("outer: inner");
  expect(describeError(new AggregateError([new Error("a"), new Error("b")]))).toBe("a, b");
  expect(describeError(loop)).toBe("round");
  expect(describeError(hostile)).toBe("an error that can't be printed");
  expect(describeError(undefined)).toBe("unknown error");
  expect(describeError(new Error("x".repeat(9000)))).toHaveLength(2000);
});

test("errorCode reads a string code and nothing else", () => {
  expect(errorCode(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe("ENOENT");
  expect(errorCode(Object.assign(new Error("x"), { code: 7 }))).toBeUndefined();
  expect(errorCode(null)).toBeUndefined();
});

test("Sensitive never shows its value unless asked", () => {
  const secret = new Sensitive("hunter2hunter2");
  const shown = [
    String(secret),
    `${secret}`,
    JSON.stringify({ secret }),
    inspect(secret),
    inspect({ deep: { secret } }, { showHidden: true }),
  ];
  for (const text of shown) expect(text).not.toContain("hunter2");
  expect(secret.reveal()).toBe("hunter2hunter2");
});
