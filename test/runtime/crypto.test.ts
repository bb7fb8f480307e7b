import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  equalInConstantTime,
  open,
  randomBytes,
  randomToken,
  seal,
  sha256Hex,
  startSha256,
} from "../../src/runtime/crypto.ts";

describe("crypto", () => {
  const key = new Uint8Array(32).fill(3);

  it("sha256Hex gives the published value of the empty text and hashes text as UTF-8", () => {
    expect(sha256Hex("")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(sha256Hex("é")).toBe(createHash("sha256").update(Buffer.from("é")).digest("hex"));
  });

  it("startSha256 comes to the same hash in pieces and can be asked in between", () => {
    const hash = startSha256();
    hash.update("a");
    expect(hash.hex()).toBe(sha256Hex("a"));
    hash.update(new Uint8Array([98]));
    expect(hash.hex()).toBe(sha256Hex("ab"));
  });

  it("open gives back what seal took, and only under the same key and context", () => {
    for (const text of ["", "token", "ключ 😀\n\u0000".repeat(1000)]) {
      const sealed = seal(key, "row 1", text);
      expect(open(key, "row 1", sealed)).toBe(text);
      expect(open(key, "row 2", sealed)).toBeUndefined();
      expect(open(new Uint8Array(32).fill(4), "row 1", sealed)).toBeUndefined();
    }
  });

  it("open refuses any changed byte and any cut", () => {
    const sealed = seal(key, "row", "token");
    for (let index = 0; index < sealed.length; index++) {
      const changed = Uint8Array.from(sealed);
      changed[index] = (changed[index] ?? 0) ^ 1;
      expect(open(key, "row", changed)).toBeUndefined();
      expect(open(key, "row", sealed.subarray(0, index))).toBeUndefined();
    }
  });

  it("seal never repeats itself and shows nothing of the text", () => {
    const [first, second] = [seal(key, "row", "token"), seal(key, "row", "token")];
    expect(first).not.toEqual(second);
    expect(Buffer.from(first).includes("token")).toBe(false);
  });

  it("equalInConstantTime compares texts of any length", () => {
    expect(equalInConstantTime("", "")).toBe(true);
    expect(equalInConstantTime("abc", "abc")).toBe(true);
    expect(equalInConstantTime("abc", "abd")).toBe(false);
    expect(equalInConstantTime("abc", "abcd")).toBe(false);
  });

  it("randomBytes and randomToken have the length that was asked for and differ", () => {
    expect(randomBytes(32)).toHaveLength(32);
    expect(randomBytes(32)).not.toEqual(randomBytes(32));
    expect(randomToken(32)).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(randomToken()).not.toBe(randomToken());
  });
});
