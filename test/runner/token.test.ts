import { writeFile } from "node:fs/promises";
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

test.each([
  ["missing", undefined],
  ["empty", "\n"],
])("a token file that is %s is told with its path", async (_what, content) => {
  const authTokenFile = join(await temporaryDirectory(), "token");
  if (content !== undefined) await writeFile(authTokenFile, content);
  await expect(tokenSource({ authToken: undefined, authTokenFile })()).rejects.toMatchObject({
    code: "TokenUnreadable",
    message: expect.stringContaining(authTokenFile),
  });
});

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
