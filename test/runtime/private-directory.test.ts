import { chmod, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { filesUnder } from "../../src/runtime/file-tree.ts";
import { makeTemporaryDirectory, takeEmptyDirectory } from "../../src/runtime/private-directory.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

test("temporary directory is new each time and closed to others", async () => {
  const paths = [await makeTemporaryDirectory("hr-test-"), await makeTemporaryDirectory("hr-test-")];
  onTestFinished(async () => {
    for (const path of paths) await rm(path, { recursive: true });
  });
  expect(paths[0]).not.toBe(paths[1]);
  expect((await stat(paths[0] ?? "")).mode & 0o777).toBe(0o700);
});

test("empty directory is taken and closed to others; one with contents is left as it is", async () => {
  const parent = await temporaryDirectory();
  const [wide, full] = [join(parent, "wide"), join(parent, "full")];
  for (const path of [wide, full]) await mkdir(path);
  for (const path of [wide, full]) await chmod(path, 0o755);
  await writeFile(join(full, "kept"), "x");
  expect(await takeEmptyDirectory(wide)).toContain("wide");
  expect((await stat(wide)).mode & 0o777).toBe(0o700);
  expect(await takeEmptyDirectory(full)).toBeUndefined();
  expect((await stat(full)).mode & 0o777).toBe(0o755);
  expect(await readdir(full)).toEqual(["kept"]);
  expect(await takeEmptyDirectory(join(parent, "new", "deep"))).toContain("deep");
});

test("files below a directory are all found, hidden and deep ones too", async () => {
  const root = await temporaryDirectory();
  await mkdir(join(root, "a", ".b"), { recursive: true });
  await writeFile(join(root, "a", ".b", ".c"), "");
  await writeFile(join(root, "z"), "");
  expect(await filesUnder(root)).toEqual([join(root, "a", ".b", ".c"), join(root, "z")]);
  expect(await filesUnder(join(root, "z"))).toEqual([join(root, "z")]);
  expect(await filesUnder(join(root, "none"))).toEqual([]);
});
