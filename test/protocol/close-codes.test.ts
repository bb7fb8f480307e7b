import { describe, expect, it } from "vitest";
import {
  CLOSE_CODES,
  type CloseCode,
  findCloseCode,
  findCloseCodeByStatus,
  retryAfterClose,
} from "../../src/protocol/close-codes.ts";

const rows: readonly [string, CloseCode][] = Object.entries(CLOSE_CODES);

describe("CLOSE_CODES", () => {
  it.each(rows)("%s is named as its key and found by its code", (key, row) => {
    expect(row.name).toBe(key);
    expect(findCloseCode(row.code)).toBe(row);
  });

  it("has no code twice", () => {
    const codes = rows.map(([, row]) => row.code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it("has no HTTP status twice, so that a refused upgrade means one thing", () => {
    const statuses = rows.flatMap(([, row]) => row.httpStatus ?? []);
    expect(new Set(statuses).size).toBe(statuses.length);
  });

  it("stays where an application may close a WebSocket: 1000, 1001 and 4000 to 4999", () => {
    const outside = rows.filter(([, { code }]) => code !== 1000 && code !== 1001 && (code < 4000 || code > 4999));
    expect(outside).toEqual([]);
  });

  it("fits into the close frame of a WebSocket with its name", () => {
    for (const [name] of rows) expect(new TextEncoder().encode(name).length).toBeLessThanOrEqual(123);
  });

  it("ends for good only on purpose", () => {
    const forGood = rows.filter(([, row]) => row.retry === "never").map(([name]) => name);
    expect(forGood.sort()).toEqual(["normal", "retired"]);
  });
});

describe("retryAfterClose", () => {
  it.each([
    [1006, "now"],
    [1011, "now"],
    [4999, "now"],
    [4401, "slow"],
    [4409, "slow"],
    [4410, "never"],
  ])("of %i is %s", (code, retry) => {
    expect(retryAfterClose(code)).toBe(retry);
  });
});

describe("findCloseCodeByStatus", () => {
  it.each([
    [401, "unauthorized"],
    [403, "runnerIdInUse"],
    [426, "unsupportedVersion"],
    [503, "goingAway"],
  ])("of %i is %s", (status, name) => {
    expect(findCloseCodeByStatus(status)?.name).toBe(name);
  });

  it("knows nothing of a status outside the table", () => {
    expect(findCloseCodeByStatus(502)).toBeUndefined();
  });
});
