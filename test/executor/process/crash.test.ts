import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { RunReport } from "../../../src/executor/executor.ts";
import { isAlive, ownIdentity } from "../../../src/runtime/process.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, follow, type ProgramStep, specOf } from "../executor.contract.ts";
import { beside, optionsFor } from "./process-options.ts";
import { createProcessWorld, type ProcessWorld } from "./process-world.ts";

const LIMIT = { timeout: 300_000 };

/** What a restarted runner makes of a run: its end, and how often the program ran. */
async function recovered(world: ProcessWorld, runId: string): Promise<{ end: RunReport; starts: number }> {
  const executor = await world.open();
  expect((await executor.list()).map((report) => report.runId)).toEqual([runId]);
  const end = await endOf(executor, runId);
  const ledger = await world.read("ledger").catch(() => "");
  expect(await world.lives(runId)).toBe(false);
  return { end, starts: ledger.split("\n").filter((line) => line.startsWith(runId)).length };
}

function ledgerRun(world: ProcessWorld, ...steps: ProgramStep[]): ReturnType<typeof specOf> {
  return specOf([{ append: join(world.directory, "ledger") }, ...steps]);
}

test(
  "runner killed after the intent, before the supervisor starts: the next runner starts it once",
  LIMIT,
  async () => {
    const world = await createProcessWorld();
    const spec = ledgerRun(world);
    const runner = await world.runner(spec, { selfCommand: ["/bin/sh", "-c", "kill -9 $PPID"] });
    expect(await runner.ended).toBe("SIGKILL");
    expect(await recovered(world, spec.runId)).toMatchObject({ end: { state: "success" }, starts: 1 });
  },
);

test("runner killed after the supervisor's start, before its claim: it runs once all the same", LIMIT, async () => {
  const world = await createProcessWorld();
  const spec = ledgerRun(world);
  const self = optionsFor("").selfCommand;
  const slow = ["/bin/sh", "-c", 'kill -9 $PPID; sleep 1; exec "$0" "$@"', ...self];
  const runner = await world.runner(spec, { selfCommand: slow });
  expect(await runner.ended).toBe("SIGKILL");
  // The restarted runner sees no claim and starts a second supervisor: only one of the two may win.
  expect(await recovered(world, spec.runId)).toMatchObject({ end: { state: "success" }, starts: 1 });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect((await world.read("ledger")).trim().split("\n")).toHaveLength(1);
});

test("runner killed after the claim, before the program: it runs once to its true end", LIMIT, async () => {
  const world = await createProcessWorld();
  const spec = ledgerRun(world, { exit: 7 });
  const runner = await world.runner(spec);
  await world.record(spec.runId, "claim.json");
  await runner.kill();
  expect(await recovered(world, spec.runId)).toMatchObject({ end: { state: "failed", exitCode: 7 }, starts: 1 });
});

test("runner killed while the program runs: the next runner finds it by process id and start time", LIMIT, async () => {
  const world = await createProcessWorld();
  const spec = ledgerRun(world, { waitFor: join(world.directory, "gate") });
  const runner = await world.runner(spec);
  const before = await world.record(spec.runId, "program.json");
  await runner.kill();
  const executor = await world.open();
  expect(await executor.list()).toMatchObject([{ runId: spec.runId, state: "running" }]);
  expect(await world.record(spec.runId, "program.json")).toEqual(before);
  await world.touch("gate");
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success", exitCode: 0 });
  expect((await world.read("ledger")).trim().split("\n")).toHaveLength(1);
});

test("runner killed after the end, before it told anybody: the end is told by the next runner", LIMIT, async () => {
  const world = await createProcessWorld();
  const spec = ledgerRun(world, { waitFor: join(world.directory, "gate") });
  const runner = await world.runner(spec);
  await world.record(spec.runId, "program.json");
  await runner.kill();
  await world.touch("gate");
  await world.record(spec.runId, "end.json");
  expect(await recovered(world, spec.runId)).toMatchObject({ end: { state: "success" }, starts: 1 });
});

test("runner killed between the stop's record and TERM: the next runner stops the run", LIMIT, async () => {
  const world = await createProcessWorld();
  const spec = ledgerRun(world, { sleep: 60_000 });
  const runner = await world.runner(spec);
  await eventually(() => world.read("ledger"), 20_000);
  await runner.kill();
  await writeFile(join(world.runDirectory(spec.runId), "stop.json"), JSON.stringify({ version: 1, at: Date.now() }));
  expect(await recovered(world, spec.runId)).toMatchObject({ end: { state: "stopped" }, starts: 1 });
});

test("supervisor killed while the program runs: Lost, and the program is ended", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const spec = ledgerRun(world, { say: "some €\nwords" }, { sleep: 60_000 });
  await executor.start(spec);
  await eventually(async () => expect((await executor.readLog(spec.runId, 0, 100)).text).toBe("some €\nwords"), 20_000);
  const { identity } = await world.record(spec.runId, "claim.json");
  process.kill(identity.pid, "SIGKILL");
  const end = await endOf(executor, spec.runId);
  expect(end).toMatchObject({ state: "failed", failure: { category: "Lost", logTail: ["some €", "words"] } });
  expect(end.failure?.detail).toContain(`process ${identity.pid}`);
  expect(end.log?.bytes).toBe(Buffer.byteLength("some €\nwords"));
  expect(await world.lives(spec.runId)).toBe(false);
  expect(await executor.readLog(spec.runId, end.log?.bytes ?? 0, 100)).toMatchObject({ ended: true });
});

test(
  "supervisor and runner killed together: the next runner ends program and daemon and tells Lost",
  LIMIT,
  async () => {
    const world = await createProcessWorld();
    const daemon = join(world.directory, "daemon");
    const spec = ledgerRun(world, { daemon }, { sleep: 60_000 });
    const runner = await world.runner(spec);
    await eventually(() => world.read("daemon"), 20_000);
    const { identity } = await world.record(spec.runId, "claim.json");
    process.kill(identity.pid, "SIGKILL");
    await runner.kill();
    expect(await world.lives(spec.runId)).toBe(true);
    const { end, starts } = await recovered(world, spec.runId);
    expect(end).toMatchObject({ state: "failed", failure: { category: "Lost" } });
    expect(end.failure?.detail).toMatch(/were ended: [3-9]/);
    expect(starts).toBe(1);
  },
);

test(
  "supervisor killed after its claim, before the program: Lost, never started, never tried again",
  LIMIT,
  async () => {
    const world = await createProcessWorld();
    const executor = await world.open({ selfCommand: [process.execPath, beside("claim-and-die.ts")] });
    const spec = ledgerRun(world);
    await executor.start(spec);
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "failed", failure: { category: "Lost" } });
    await executor.close();
    expect(await recovered(world, spec.runId)).toMatchObject({ end: { failure: { category: "Lost" } }, starts: 0 });
  },
);

test("a stopped run whose supervisor dies is stopped, and nothing of it is left", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ graceMs: 20_000 });
  const spec = ledgerRun(world, { ignoreTerm: true }, { say: "up" }, { sleep: 60_000 });
  await executor.start(spec);
  await eventually(async () => expect((await executor.readLog(spec.runId, 0, 100)).text).toBe("up"), 20_000);
  const { identity } = await world.record(spec.runId, "claim.json");
  // A dead supervisor can't say how the program took the TERM; the intent on disk says that it was meant to end.
  process.kill(identity.pid, "SIGSTOP");
  await executor.stop(spec.runId);
  process.kill(identity.pid, "SIGKILL");
  const { identity: program } = await world.record(spec.runId, "program.json");
  process.kill(program.pid, "SIGKILL");
  expect((await endOf(executor, spec.runId)).state).toBe("stopped");
  expect(await world.lives(spec.runId)).toBe(false);
});

test("a supervisor that is told to end by a stranger ends the program: failed, Killed", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const spec = ledgerRun(world, { sleep: 60_000 });
  await executor.start(spec);
  await world.record(spec.runId, "program.json");
  const { identity } = await world.record(spec.runId, "claim.json");
  process.kill(identity.pid, "SIGTERM");
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "failed", failure: { category: "Killed" } });
  expect(await world.lives(spec.runId)).toBe(false);
});

test(
  "a process that has only the process id of a dead supervisor and program is neither followed nor ended",
  LIMIT,
  async () => {
    const world = await createProcessWorld();
    const spec = ledgerRun(world);
    const runner = await world.runner(spec, { selfCommand: ["/bin/sh", "-c", "kill -9 $PPID"] });
    await runner.ended;
    const identity = { pid: (await ownIdentity()).pid, startTime: "1@another-boot" };
    const directory = world.runDirectory(spec.runId);
    await writeFile(
      join(directory, "claim.json"),
      JSON.stringify({ version: 1, who: "supervisor", at: Date.now(), identity }),
    );
    await writeFile(join(directory, "program.json"), JSON.stringify({ version: 1, startedAt: 1, identity }));
    // This test's own process has that id: it would not live to see the next line.
    expect(await recovered(world, spec.runId)).toMatchObject({
      end: { state: "failed", startedAt: 1, failure: { category: "Lost" } },
      starts: 0,
    });
  },
);

test("a run whose time limit passed while no runner was there is never started: StartTimeout", LIMIT, async () => {
  const world = await createProcessWorld();
  const spec = { ...ledgerRun(world), startBefore: Date.now() + 6000 };
  const runner = await world.runner(spec, { selfCommand: ["/bin/sh", "-c", "kill -9 $PPID"] });
  await runner.ended;
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, spec.startBefore - Date.now()) + 10));
  expect(await recovered(world, spec.runId)).toMatchObject({
    end: { state: "failed", failure: { category: "StartTimeout" } },
    starts: 0,
  });
});

test("a supervisor that never comes up fails the run with StartFailed and what it said", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ selfCommand: ["/bin/sh", "-c", "echo no such role >&2; exit 1"] });
  const spec = ledgerRun(world);
  await executor.start(spec);
  const end = await endOf(executor, spec.runId);
  expect(end).toMatchObject({ state: "failed", failure: { category: "StartFailed" } });
  expect(end.failure?.detail).toContain("no such role");
});

test("a supervisor command that doesn't exist fails the run with StartFailed", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ selfCommand: ["/nonexistent/hybrid-runner"] });
  const spec = ledgerRun(world);
  expect(await executor.start(spec)).toBe("started");
  const end = await endOf(executor, spec.runId);
  expect(end.failure).toMatchObject({ category: "StartFailed", detail: expect.stringContaining("ENOENT") });
});

test("a directory that is removed under a running run: Lost, and program and supervisor are ended", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const spec = ledgerRun(world, { sleep: 60_000 });
  await executor.start(spec);
  const { identity } = await world.record(spec.runId, "program.json");
  const supervisor = (await world.record(spec.runId, "claim.json")).identity;
  await eventually(async () => expect(await executor.list()).toMatchObject([{ state: "running" }]));
  await rm(world.runDirectory(spec.runId), { recursive: true });
  expect((await follow(executor, spec.runId)).at(-1)).toMatchObject({
    pipelineId: spec.pipelineId,
    failure: { category: "Lost" },
  });
  expect(await isAlive(identity)).toBe(false);
  await eventually(async () => expect(await isAlive(supervisor)).toBe(false));
});

test("a damaged record never makes success and never throws", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const specs = [specOf([]), specOf([])];
  for (const spec of specs) {
    await executor.start(spec);
    await endOf(executor, spec.runId);
  }
  await executor.close();
  const [first, second] = specs.map((spec) => world.runDirectory(spec.runId));
  await writeFile(join(first ?? "", "end.json"), '{"state":"success"');
  await writeFile(join(second ?? "", "intent.json"), "{}");
  const next = await world.open();
  const reports = await next.list();
  expect(reports.find((report) => report.runId === specs[0]?.runId)).toMatchObject({ failure: { category: "Lost" } });
  expect(reports.find((report) => report.runId === specs[1]?.runId)).toMatchObject({ failure: { category: "Lost" } });
});
