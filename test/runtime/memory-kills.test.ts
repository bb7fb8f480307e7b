import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { memoryKills } from "../../src/runtime/memory-kills.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

test("memoryKills reads the counters of both versions of control groups, the newer one first", async () => {
  const directory = await temporaryDirectory();
  const paths = [join(directory, "memory.events"), join(directory, "memory.oom_control")];
  expect(await memoryKills(paths)).toBeUndefined();
  await writeFile(paths[1] ?? "", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  expect(await memoryKills(paths)).toBe(3);
  await writeFile(paths[0] ?? "", "low 0\nhigh 0\nmax 12\noom 1\noom_kill 1\noom_group_kill 0\n");
  expect(await memoryKills(paths)).toBe(1);
});
