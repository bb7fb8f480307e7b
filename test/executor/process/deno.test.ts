import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { beside, optionsFor } from "./process-options.ts";
import { createProcessWorld, startScript } from "./process-world.ts";

const DENO = beside("../../../node_modules/.bin/deno");
const ENTRY = [DENO, "run", "-A", beside("../../../src/main.ts")];

test("runner and supervisor under Deno: run, daemon and lock as under Node", { timeout: 300_000 }, async () => {
  const world = await createProcessWorld();
  const daemon = join(world.directory, "daemon");
  const spec = specOf([{ say: "hello\n" }, { daemon }, { waitFor: join(world.directory, "gate") }, { exit: 6 }]);
  const job = join(world.directory, "job.json");
  const { HOME = "/", PATH = "" } = process.env;
  const { command } = optionsFor("");
  await writeFile(job, JSON.stringify({ spec, command, selfCommand: ENTRY, environment: { HOME, PATH } }));
  const runner = startScript("runner-script.ts", [world.data, job], {}, [DENO, "run", "-A"]);
  expect(await runner.firstLine).toBe("ready");
  await expect(world.open()).rejects.toMatchObject({ code: "DataDirectoryLocked" });
  await eventually(() => world.read("daemon"), 30_000);
  await runner.kill();
  // The next runner is under Node: what is on disk is the same for both.
  const executor = await world.open();
  expect(await executor.list()).toMatchObject([{ runId: spec.runId, state: "running" }]);
  await world.touch("gate");
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "failed", exitCode: 6 });
  expect(await world.lives(spec.runId)).toBe(false);
  expect((await executor.readLog(spec.runId, 0, 100)).text).toBe("hello\n");
});
