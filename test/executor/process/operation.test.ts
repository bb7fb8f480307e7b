import { chmod, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { isAlive, processIdentity } from "../../../src/runtime/process.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf, wholeLog } from "../executor.contract.ts";
import { createProcessWorld } from "./process-world.ts";

const LIMIT = { timeout: 300_000 };

test("twenty runs at once each end as their program did, with a log of their own", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const specs = Array.from({ length: 20 }, (_, index) => specOf([{ say: `run ${index}\n` }, { exit: index % 2 }]));
  await Promise.all(specs.map((spec) => executor.start(spec)));
  const ends = await Promise.all(specs.map((spec) => endOf(executor, spec.runId)));
  expect(ends.map((end) => end.exitCode)).toEqual(specs.map((_, index) => index % 2));
  expect(ends.map((end) => end.state)).toEqual(specs.map((_, index) => (index % 2 === 0 ? "success" : "failed")));
  const logs = await Promise.all(specs.map((spec) => wholeLog(executor, spec.runId)));
  expect(logs).toEqual(specs.map((_, index) => `run ${index}\n`));
});

test(
  "a daemon that left its group is ended when its program ends, even if it holds the output open",
  LIMIT,
  async () => {
    const world = await createProcessWorld();
    const executor = await world.open();
    const daemon = join(world.directory, "daemon");
    const spec = specOf([{ daemon, holdOutput: true }, { say: "done\n" }]);
    await executor.start(spec);
    const end = await endOf(executor, spec.runId);
    expect(end).toMatchObject({ state: "success", exitCode: 0 });
    const pid = Number(await world.read("daemon"));
    expect(await processIdentity(pid)).toBeUndefined();
    expect(await world.lives(spec.runId)).toBe(false);
    expect(await wholeLog(executor, spec.runId)).toBe("done\n");
  },
);

test("the supervisor and its program outlive the runner's session and are apart from each other", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const spec = specOf([{ waitFor: join(world.directory, "gate") }]);
  await executor.start(spec);
  const supervisor = (await world.record(spec.runId, "claim.json")).identity;
  const program = (await world.record(spec.runId, "program.json")).identity;
  const sessionOf = async (pid: number): Promise<string[]> => {
    const text = await readFile(`/proc/${pid}/stat`, "latin1");
    return text
      .slice(text.lastIndexOf(")") + 2)
      .split(" ")
      .slice(2, 4);
  };
  if (process.platform === "linux") {
    expect(await sessionOf(supervisor.pid)).toEqual([String(supervisor.pid), String(supervisor.pid)]);
    expect((await sessionOf(program.pid))[0]).toBe(String(program.pid));
  }
  await world.touch("gate");
  expect((await endOf(executor, spec.runId)).state).toBe("success");
  await eventually(async () => expect(await isAlive(supervisor)).toBe(false));
});

test("nothing in a run's directory is readable by others, and the runner's token is nowhere in it", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const spec = specOf([{ say: "x" }]);
  await executor.start(spec);
  await endOf(executor, spec.runId);
  const directory = world.runDirectory(spec.runId);
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  const names = await readdir(directory);
  expect(names).toEqual(
    expect.arrayContaining(["claim.json", "end.json", "intent.json", "output.log", "program.json"]),
  );
  expect(names).not.toContain("reserve");
  for (const name of names) {
    const path = join(directory, name);
    expect((await stat(path)).mode & 0o077, name).toBe(0);
    expect(await readFile(path, "utf8"), name).not.toContain("the runner's own");
  }
});

test("a secret's value reaches the program and no file of the run", LIMIT, async () => {
  const world = await createProcessWorld();
  const environment = { PATH: process.env["PATH"] ?? "", HYBRID_RUNNER_SECRET_SHOP_PASSWORD: "correct-horse-battery" };
  const executor = await world.open({ environment });
  const spec = specOf([{ print: "config" }, { print: "HYBRID_RUNNER_SECRET_SHOP_PASSWORD" }]);
  await executor.start({ ...spec, config: { ...spec.config, password: "secret:/shop/password" } });
  const end = await endOf(executor, spec.runId);
  expect(end.state, JSON.stringify(end.failure)).toBe("success");
  const log = await wholeLog(executor, spec.runId);
  expect(log).not.toContain("secret:/shop/password");
  expect(log).toContain("HYBRID_RUNNER_SECRET_SHOP_PASSWORD=(unset)");
  const directory = world.runDirectory(spec.runId);
  for (const name of await readdir(directory)) {
    expect(await readFile(join(directory, name), "utf8"), name).not.toContain("correct-horse");
  }
});

test("the newest released runs are kept, older ones removed, unreleased ones never", LIMIT, async () => {
  const world = await createProcessWorld();
  let ahead = 0;
  const clock = { ...systemClock, now: () => Date.now() + ahead };
  const executor = await world.open({ keepReleased: 2, clock });
  const specs = Array.from({ length: 5 }, () => specOf([]));
  for (const spec of specs) {
    await executor.start(spec);
    await endOf(executor, spec.runId);
  }
  // As long as a run could be asked for again, its directory proves that it has run.
  for (const spec of specs.slice(0, 3)) await executor.release(spec.runId);
  expect(await readdir(join(world.data, "runs"))).toHaveLength(5);
  ahead = 120_000;
  await executor.release(specs[3]?.runId ?? "");
  const left = await readdir(join(world.data, "runs"));
  expect(left.sort()).toEqual([specs[2], specs[3], specs[4]].map((spec) => spec?.runId ?? "").sort());
  expect((await executor.list()).map((report) => report.runId)).toEqual([specs[4]?.runId]);
  expect(await executor.readLog(specs[2]?.runId ?? "", 0, 10)).toMatchObject({ ended: true });
});

test("half made and half removed directories are swept at the start", async () => {
  const world = await createProcessWorld();
  await (await world.open()).close();
  await writeFile(join(world.data, "runs", ".new-0"), "");
  await writeFile(join(world.data, "runs", ".gone-0"), "");
  const executor = await world.open();
  expect(await executor.list()).toEqual([]);
  expect(await readdir(join(world.data, "runs"))).toEqual([]);
});

test("a run that can't be stored throws RunNotStored, and there is no run", async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  await expect(executor.start(specOf([], { runId: "../../etc" }))).rejects.toMatchObject({
    code: "RunNotStored",
    message: expect.stringContaining("spec.runId"),
  });
  const runs = join(world.data, "runs");
  await rm(runs, { recursive: true });
  await writeFile(runs, "");
  await expect(executor.start(specOf([]))).rejects.toMatchObject({ code: "RunNotStored", retryable: true });
});

test("check names the program that is missing, and the directory that can't be used", async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ command: ["no-such-ingestion", "{config}"] });
  expect(await executor.check()).toMatchObject({
    healthy: false,
    message: expect.stringContaining('"no-such-ingestion"'),
  });
  const script = join(world.directory, "not-executable");
  await writeFile(script, "#!/bin/sh\n");
  await chmod(script, 0o644);
  await executor.close();
  const second = await world.open({ command: ["./not-executable"], workingDirectory: world.directory });
  expect(await second.check()).toMatchObject({ healthy: false });
  await chmod(script, 0o755);
  expect(await second.check()).toMatchObject({ healthy: true });
  await rm(world.data, { recursive: true });
  await writeFile(world.data, "");
  expect(await second.check()).toMatchObject({ healthy: false, message: expect.stringContaining(world.data) });
});

test("a program that can't be started fails the run with StartFailed", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ command: ["no-such-ingestion"] });
  const spec = specOf([]);
  await executor.start(spec);
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "failed", failure: { category: "StartFailed" } });
});

test("settings of the secret store that make no sense fail the run with ConfigError", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ secrets: { provider: "file" } });
  const spec = specOf([]);
  await executor.start(spec);
  const end = await endOf(executor, spec.runId);
  expect(end.failure).toMatchObject({ category: "ConfigError", detail: expect.stringContaining("path") });
});

test("a runner without an ingestion command says so, and its runs fail with ConfigError", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ command: [] });
  expect(await executor.check()).toMatchObject({
    healthy: false,
    message: expect.stringContaining("no ingestion command"),
  });
  const spec = specOf([]);
  await executor.start(spec);
  const end = await endOf(executor, spec.runId);
  expect(end.failure).toMatchObject({
    category: "ConfigError",
    detail: expect.stringContaining("No ingestion command"),
  });
});
