import { describe, expect, test } from "vitest";
import {
  type EndStatement,
  endStatementText,
  MAX_STATEMENT_BYTES,
  readEndStatement,
} from "../../src/protocol/end-statement.ts";

const LOG = { bytes: 12, sha256: "ab".repeat(32) };

const bytesOf = (text: string): number => new TextEncoder().encode(text).length;

describe("endStatementText", () => {
  const statements: readonly (readonly [string, EndStatement])[] = [
    ["an exit", { version: 1, exitCode: 3, log: LOG, secretReads: { aws: { found: 2, denied: 1 } } }],
    ["a signal", { version: 1, signal: "SIGKILL", log: LOG }],
    ["an unresolved secret", { version: 1, category: "SecretUnresolved", summary: "s", detail: "d", advice: "a" }],
    ["nothing but its version", { version: 1 }],
  ];
  test.each(statements)("%s is read back as it was", (_what, statement) => {
    expect(readEndStatement(endStatementText(statement))).toEqual(statement);
  });

  test.each([
    ["plain letters", "x"],
    ["quotes, which JSON doubles", '"'],
    ["control characters, which take six bytes each", "\u0001"],
    ["characters of four bytes", "🔑"],
  ])("fits into a termination message with texts of %s, and keeps the facts", (_what, character) => {
    const long = character.repeat(10_000);
    const statement = {
      version: 1,
      category: "ConfigError",
      log: LOG,
      summary: long,
      detail: long,
      advice: long,
    } as const;
    const text = endStatementText(statement);
    expect(bytesOf(text)).toBeLessThanOrEqual(MAX_STATEMENT_BYTES);
    const read = readEndStatement(text);
    expect(read).toMatchObject({ category: "ConfigError", log: LOG });
    for (const cut of [read?.summary, read?.detail, read?.advice]) {
      expect(cut?.length).toBeGreaterThan(40);
      expect(cut?.isWellFormed()).toBe(true);
    }
  });

  test("leaves room for the detail when the other texts are short", () => {
    const detail = "x".repeat(3000);
    const read = readEndStatement(
      endStatementText({ version: 1, summary: "short", detail, advice: "short", log: LOG }),
    );
    expect(read?.detail).toBe(detail);
  });
});

describe("readEndStatement", () => {
  test.each([
    ["nothing", undefined],
    ["an empty message", ""],
    ["a text of the program's own", "Traceback (most recent call last):"],
    ["half a statement", endStatementText({ version: 1, exitCode: 3 }).slice(0, -4)],
    ["JSON of another kind", '{"message":"out of memory"}'],
    ["a list", "[1]"],
    ["another version", '{"version":2,"exitCode":0}'],
    ["a category that only the cluster may tell", '{"version":1,"category":"Evicted"}'],
    ["a log of the wrong kind", '{"version":1,"log":{"bytes":-1,"sha256":"x"}}'],
    ["an exit code that is none", '{"version":1,"exitCode":"0"}'],
    ["a number where a text belongs", '{"version":1,"summary":1}'],
    ["more than a message holds", `{"version":1,"summary":"${"x".repeat(5000)}"}`],
  ])("gives nothing for %s", (_what, message) => {
    expect(readEndStatement(message)).toBeUndefined();
  });

  test("leaves out fields it doesn't know, which a newer wrapper may write", () => {
    expect(readEndStatement('{"version":1,"exitCode":4,"mood":"fine","__proto__":{"signal":"SIGHUP"}}')).toEqual({
      version: 1,
      exitCode: 4,
    });
  });

  test("cuts texts to what a failure holds", () => {
    expect(readEndStatement(`{"version":1,"summary":"${"x".repeat(900)}"}`)?.summary).toHaveLength(500);
  });
});
