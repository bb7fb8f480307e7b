import { chmod, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockDataDirectory } from "../../../src/executor/process/data-directory-lock.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { createProcessWorld, startScript } from "./process-world.ts";

const LIMIT = { timeout: 300_000 };

test("a second executor on the same data directory is refused and told who has it", LIMIT, async () => {
  const world = await createProcessWorld();
  const runner = await world.runner();
  expect(await runner.firstLine).toBe("ready");
  await expect(world.open()).rejects.toMatchObject({
    code: "DataDirectoryLocked",
    message: `Cannot use data directory "${world.data}": process ${runner.pid} has it`,
  });
});

test("the lock is free again as soon as its holder was killed", LIMIT, async () => {
  const world = await createProcessWorld();
  const runner = await world.runner();
  await runner.firstLine;
  await runner.kill();
  const executor = await world.open();
  expect(await executor.list()).toEqual([]);
});

test("two executors of one process don't share a data directory either, until the first is closed", async () => {
  const world = await createProcessWorld();
  const first = await world.open();
  await expect(world.open()).rejects.toMatchObject({ code: "DataDirectoryLocked" });
  await first.close();
  await first.close();
  expect(await (await world.open()).list()).toEqual([]);
});

test("an executor uses the lock its caller has, and leaves it to the caller", async () => {
  const world = await createProcessWorld();
  const lock = await lockDataDirectory(world.data);
  const executor = await world.open({ lock });
  await executor.close();
  await expect(lockDataDirectory(world.data)).rejects.toMatchObject({ code: "DataDirectoryLocked" });
  lock.release();
  lock.release();
  (await lockDataDirectory(world.data)).release();
});

test("a data directory that can't be written is told with path, errno and next step", LIMIT, async (context) => {
  const directory = await temporaryDirectory();
  const data = join(directory, "data");
  const job = join(directory, "job.json");
  await writeFile(job, "{}");
  await mkdir(data);
  await chmod(data, 0o555);
  await chmod(directory, 0o755);
  // Rights don't bind root: then the runner is started as nobody, if that user may read this checkout.
  const user = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const line = await startScript("runner-script.ts", [data, job], user).firstLine.catch(() => undefined);
  if (line === undefined) return context.skip("this checkout can't be read by another user than root");
  expect(JSON.parse(line)).toMatchObject({
    code: "DataDirectoryUnwritable",
    message: expect.stringContaining(`"${data}": EACCES`),
    advice: expect.stringContaining("right to write"),
  });
});

test("a data directory behind a file is told with its errno", async () => {
  const file = join(await temporaryDirectory(), "file");
  await writeFile(file, "");
  await expect(lockDataDirectory(join(file, "data"))).rejects.toMatchObject({
    code: "DataDirectoryUnwritable",
    facts: { errno: "ENOTDIR" },
  });
});
