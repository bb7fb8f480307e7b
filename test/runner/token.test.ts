import { execFileSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Sensitive } from "../../src/base/sensitive.ts";
import { installationId } from "../../src/runner/installation.ts";
import { tokenSource } from "../../src/runner/token.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

test("a token file is read again at each dial, without its newline", async () => {
  const authTokenFile = join(await temporaryDirectory(), "token");
  const token = tokenSource({ authToken: undefined, authTokenFile });
  await writeFile(authTokenFile, "first\n");
  expect((await token()).reveal()).toBe("first");
  await writeFile(authTokenFile, "second");
  expect((await token()).reveal()).toBe("second");
});

test.each<[string, (path: string) => Promise<unknown> | unknown, string]>([
  ["missing", () => undefined, "is missing"],
  ["empty", (path) => writeFile(path, " \n"), "is empty"],
  ["a directory", (path) => mkdir(path), "is a directory"],
  ["a pipe, which is never waited for", (path) => execFileSync("mkfifo", [path]), "is neither a file nor a directory"],
  ["larger than any token", (path) => writeFile(path, "a".repeat(65_537)), "is larger than any token"],
])("a token file that is %s is told as that, with its path", async (_what, make, told) => {
  const authTokenFile = join(await temporaryDirectory(), "token");
  await make(authTokenFile);
  await expect(tokenSource({ authToken: undefined, authTokenFile })()).rejects.toMatchObject({
    code: "TokenUnreadable",
    message: `Cannot read the token: ${authTokenFile} ${told}`,
  });
});

test.each(['"eyJ.n33dle"', "Bearer eyJ.n33dle", "AUTH_TOKEN=eyJ.n33dle", "eyJ.n33dle\nx", '{"token":"n33dle"}'])(
  "a token file that holds more than the token, %j, is told and never sent",
  async (text) => {
    const authTokenFile = join(await temporaryDirectory(), "token");
    await writeFile(authTokenFile, `${text}\n`);
    const error = await tokenSource({ authToken: undefined, authTokenFile })().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: "TokenUnusable",
      message: expect.stringContaining(`what ${authTokenFile} holds`),
    });
    expect(String(error)).not.toContain("n33dle");
  },
);

test("a token given as a value wins over the file", async () => {
  const token = tokenSource({ authToken: new Sensitive("given"), authTokenFile: "/nonexistent" });
  expect((await token()).reveal()).toBe("given");
});

test("installationId is made once and kept, also when two ask at the same time", async () => {
  const directory = await temporaryDirectory();
  const [one, two] = await Promise.all([installationId(directory), installationId(directory)]);
  expect(one).toMatch(/^[0-9a-f-]{36}$/);
  expect(two).toBe(one);
  expect(await installationId(directory)).toBe(one);
});
