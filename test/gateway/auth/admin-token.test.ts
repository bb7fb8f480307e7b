import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { ADMIN_TOKEN_FILE, openAdminToken, verifyAdminToken } from "../../../src/gateway/auth/admin-token.ts";
import { bearerToken } from "../../../src/gateway/auth/bearer.ts";
import { openStoreKey } from "../../../src/gateway/auth/store-key.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";

const none = { adminToken: undefined, adminTokenFile: undefined };

test("openAdminToken makes a random token in a private file and finds it again", async () => {
  const dataDirectory = join(await temporaryDirectory(), "made", "on", "the", "way");
  const token = await openAdminToken({ ...none, dataDirectory });
  expect(token.reveal()).toMatch(/^[\w-]{43}$/);
  const file = join(dataDirectory, ADMIN_TOKEN_FILE);
  expect(await readFile(file, "utf8")).toBe(`${token.reveal()}\n`);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await openAdminToken({ ...none, dataDirectory })).reveal()).toBe(token.reveal());
});

test("openAdminToken takes the setting before the file, and another file when told", async () => {
  const dataDirectory = await temporaryDirectory();
  const adminTokenFile = join(dataDirectory, "mine");
  await writeFile(adminTokenFile, "from-my-own-file\n");
  const set = await openAdminToken({ dataDirectory, adminToken: new Sensitive("from-the-setting"), adminTokenFile });
  expect(set.reveal()).toBe("from-the-setting");
  expect((await openAdminToken({ ...none, dataDirectory, adminTokenFile })).reveal()).toBe("from-my-own-file");
});

test("openAdminToken and openStoreKey name the file that can't be used", async () => {
  const dataDirectory = await temporaryDirectory();
  await writeFile(join(dataDirectory, ADMIN_TOKEN_FILE), "\n");
  await expect(openAdminToken({ ...none, dataDirectory })).rejects.toMatchObject({
    code: "KeyFileUnusable",
    message: `Cannot use ${join(dataDirectory, ADMIN_TOKEN_FILE)}: it is empty`,
  });
  await writeFile(join(dataDirectory, ADMIN_TOKEN_FILE), "Bearer n33dle\n");
  const error = await openAdminToken({ ...none, dataDirectory }).catch(String);
  expect(error).toContain("must be the token without the word Bearer before it");
  expect(error).not.toContain("n33dle");
  await mkdir(join(dataDirectory, "directory"));
  for (const [name, text] of Object.entries({ short: "abcd", odd: "0".repeat(63), words: "z".repeat(64) })) {
    await writeFile(join(dataDirectory, name), text);
    await expect(openStoreKey(join(dataDirectory, name))).rejects.toMatchObject({ code: "KeyFileUnusable" });
  }
  await expect(openStoreKey(join(dataDirectory, "directory"))).rejects.toMatchObject({ code: "KeyFileUnusable" });
});

test("openStoreKey makes 32 random bytes in a private file and finds them again", async () => {
  const path = join(await temporaryDirectory(), "store.key");
  const [first, second] = await Promise.all([openStoreKey(path), openStoreKey(path)]);
  expect(first.reveal()).toHaveLength(32);
  expect(first.reveal()).toEqual(second.reveal());
  expect(new Set(first.reveal()).size).toBeGreaterThan(16);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
});

test("verifyAdminToken accepts the token and nothing like it", () => {
  const expected = new Sensitive("a-token-of-some-length");
  expect(() => verifyAdminToken(expected, "a-token-of-some-length")).not.toThrow();
  for (const shown of [undefined, "", "a-token-of-some-lengt", "a-token-of-some-length ", "A-TOKEN-OF-SOME-LENGTH"]) {
    expect(() => verifyAdminToken(expected, shown)).toThrow(/Cannot serve the request/);
  }
});

test("bearerToken reads the bearer scheme only", () => {
  expect(bearerToken("Bearer abc.DEF-1_2")).toBe("abc.DEF-1_2");
  expect(bearerToken("bearer  abc")).toBe("abc");
  for (const header of [undefined, "", "Bearer", "Bearer ", "Basic abc", "Bearer a b", "abc"]) {
    expect(bearerToken(header)).toBeUndefined();
  }
});
