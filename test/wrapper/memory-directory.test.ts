import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { removePrivateFiles, runFilesPrefix, writePrivateFile } from "../../src/runtime/memory-directory.ts";

test("writePrivateFile keeps others out, and removePrivateFiles takes away one run's files and no others", async () => {
  const [mine, other] = [crypto.randomUUID(), crypto.randomUUID()];
  const first = await writePrivateFile(runFilesPrefix(mine), "config.json", "one", undefined);
  const second = await writePrivateFile(runFilesPrefix(other), "config.json", "two", undefined);
  expect(first.inMemory).toBe(first.path.startsWith("/dev/shm/"));
  expect((await stat(first.path)).mode & 0o777).toBe(0o700);
  expect((await stat(join(first.path, "config.json"))).mode & 0o777).toBe(0o600);
  await removePrivateFiles(runFilesPrefix(mine), undefined);
  await expect(stat(first.path)).rejects.toThrow("ENOENT");
  expect(await readFile(join(second.path, "config.json"), "utf8")).toBe("two");
  await removePrivateFiles(runFilesPrefix(other), undefined);
});

test("runFilesPrefix never leaves its directory", () => {
  expect(runFilesPrefix("../../etc/x\0y")).toMatch(/^hybrid-runner-[\w-]+-$/);
});
