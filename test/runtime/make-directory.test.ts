import { mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeDirectory } from "../../src/runtime/make-directory.ts";
import { storageAdvice } from "../../src/runtime/storage-advice.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

test("makeDirectory makes what is missing, closed to others, and leaves what is there", async () => {
  const root = await temporaryDirectory();
  await mkdir(join(root, "wide"), { mode: 0o755 });
  await symlink(join(root, "wide"), join(root, "link"));
  for (const path of ["wide", "link", "a/b/c", "a/b/c", "link/d/"]) await makeDirectory(join(root, path));
  expect((await stat(join(root, "wide"))).mode & 0o777).toBe(0o755);
  for (const made of ["a", "a/b", "a/b/c", "wide/d"]) expect((await stat(join(root, made))).mode & 0o777).toBe(0o700);
  await Promise.all(["x/y/1", "x/y/2", "x/y/1"].map((path) => makeDirectory(join(root, path))));
  expect((await stat(join(root, "x/y/2"))).isDirectory()).toBe(true);
});

test("makeDirectory ends with the system's own error, whatever is in the way", async () => {
  const root = await temporaryDirectory();
  await writeFile(join(root, "file"), "");
  await symlink(join(root, "nowhere", "deep"), join(root, "dangling"));
  for (const [path, code] of [
    ["file", "EEXIST"],
    ["file/a/b", "ENOTDIR"],
    ["dangling", "ENOENT"],
    ["dangling/a/b", "ENOENT"],
  ] as const) {
    await expect(makeDirectory(join(root, path)), path).rejects.toMatchObject({ code });
  }
});

test.skipIf(process.platform !== "linux")(
  "makeDirectory ends where a directory takes no children (needs /proc)",
  async () => {
    await expect(makeDirectory("/proc/x")).rejects.toMatchObject({ code: "ENOENT" });
    await expect(makeDirectory("/proc/x/y/z")).rejects.toMatchObject({ code: "ENOENT" });
  },
);

test.each([
  ["EROFS", "read-only"],
  ["ENOSPC", "Free space"],
  ["EDQUOT", "Free space"],
  ["EACCES", "right to write"],
  ["EPERM", "right to write"],
  ["ENOTDIR", "is a file"],
  ["EEXIST", "is a file"],
  ["EISDIR", "is a directory"],
  ["ENOENT", "leads nowhere"],
])("storageAdvice after %s says what is in the way", (code, told) => {
  const advice = storageAdvice(Object.assign(new Error("x"), { code }), "name another place");
  expect(advice).toContain(told);
  expect(advice).toContain("name another place");
});

test("storageAdvice leaves what it doesn't know to the error's own advice", () => {
  expect(storageAdvice(new Error("x"), "name another place")).toBeUndefined();
});
