import { describe, expect, test } from "vitest";
import { SECRET_ERRORS } from "../../src/secrets/errors.ts";
import { isReference, readingsOf } from "../../src/secrets/reference.ts";
import { failure } from "./provider.contract.ts";

describe("readingsOf", () => {
  test("tries the whole path, then without slash, then the last part as a key, with and without slash", () => {
    expect(readingsOf("secret:/my/database/credentials/username")).toEqual([
      { secretName: "/my/database/credentials/username" },
      { secretName: "my/database/credentials/username" },
      { secretName: "/my/database/credentials", key: "username" },
      { secretName: "my/database/credentials", key: "username" },
    ]);
  });

  test("has fewer readings for shorter paths", () => {
    expect(readingsOf("secret:name")).toEqual([{ secretName: "name" }]);
    expect(readingsOf("secret:/name")).toEqual([{ secretName: "/name" }, { secretName: "name" }]);
    expect(readingsOf("secret:db/password")).toEqual([
      { secretName: "db/password" },
      { secretName: "db", key: "password" },
    ]);
    expect(readingsOf("secret:/db/password").at(-1)).toEqual({ secretName: "db", key: "password" });
  });

  test("takes an explicit key as the only reading", () => {
    expect(readingsOf("secret:/my/db#pass/word#1")).toEqual([{ secretName: "/my/db", key: "pass/word#1" }]);
  });

  test("takes the prefix off once and never splits an ARN", () => {
    const arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:my/database/credentials-AbCdEf";
    expect(readingsOf(`secret:${arn}`)).toEqual([{ secretName: arn }]);
    expect(readingsOf(`secret:${arn}#username`)).toEqual([{ secretName: arn, key: "username" }]);
    expect(readingsOf("secret:secret:x")).toEqual([{ secretName: "secret:x" }]);
  });

  test.each([
    "secret:",
    "secret:/",
    "secret://a",
    "secret:/a/",
    "secret:/a//b",
    "secret:/a/../b",
    "secret:..",
    "secret:./a",
    "secret:#key",
    "secret:/a#",
    "secret: /a",
    "secret:/a ",
    "secret:/a\0b",
    "secret:/a\nb",
    "secret:/a\u0085b",
    "secret:/a#b\u007f",
    "secret:\ud800",
    `secret:${"a".repeat(2048)}`,
    "/a/b",
  ])("refuses %j", async (reference) => {
    const error = await failure(Promise.resolve().then(() => readingsOf(reference)));
    expect(error.code).toBe(SECRET_ERRORS.BadReference.code);
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(400);
  });
});

test("isReference knows the prefix, exactly", () => {
  expect(["secret:", "secret:/a"].map(isReference)).toEqual([true, true]);
  expect(["Secret:/a", " secret:/a", "secrets:/a", "my secret:/a", ""].some(isReference)).toBe(false);
});
