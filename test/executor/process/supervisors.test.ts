import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import type { Executor, RunSpec } from "../../../src/executor/executor.ts";
import { Supervisors } from "../../../src/executor/process/supervisors.ts";
import { isAlive, type ProcessIdentity } from "../../../src/runtime/process.ts";
import { eventually } from "../../fakes/eventually.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { endOf, type ProgramStep, specOf } from "../executor.contract.ts";
import { createProcessWorld, type ProcessWorld } from "./process-world.ts";

const LIMIT = { timeout: 300_000 };

async function run(executor: Executor, steps: readonly ProgramStep[] = [], changes: Partial<RunSpec> = {}) {
  const spec = specOf(steps, changes);
  await executor.start(spec);
  return { spec, end: await endOf(executor, spec.runId) };
}

async function claimant(world: ProcessWorld, { runId }: RunSpec): Promise<ProcessIdentity> {
  return (await world.record(runId, "claim.json")).identity;
}

function ended(identity: ProcessIdentity): Promise<void> {
  return eventually(async () => expect(await isAlive(identity)).toBe(false));
}

test("runs one after the other have one supervisor, and each its own claim, mark and end", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const codes = [0, 3, 0, 4];
  const runs = [];
  for (const exit of codes) runs.push(await run(executor, [{ say: `this is ${exit}\n` }, { exit }]));
  expect(runs.map(({ end }) => end.exitCode)).toEqual(codes);
  expect(new Set(runs.map(({ end }) => end.log?.sha256)).size).toBe(3);
  const claims = await Promise.all(runs.map(({ spec }) => claimant(world, spec)));
  for (const claim of claims) expect(claim).toEqual(claims[0]);
  const intents = await Promise.all(runs.map(({ spec }) => world.record(spec.runId, "intent.json")));
  expect(new Set(intents.map((intent) => intent["mark"])).size).toBe(codes.length);
  for (const { spec } of runs) expect(await world.lives(spec.runId)).toBe(false);
});

test("runs at the same time have a supervisor each", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  await run(executor);
  const specs = [1, 2, 3].map(() => specOf([{ sleep: 500 }]));
  for (const spec of specs) await executor.start(spec);
  const ends = await Promise.all(specs.map((spec) => endOf(executor, spec.runId)));
  expect(ends.map(({ state }) => state)).toEqual(["success", "success", "success"]);
  const pids = await Promise.all(specs.map(async (spec) => (await claimant(world, spec)).pid));
  expect(new Set(pids).size).toBe(3);
});

test("a supervisor killed in its second run takes that run only, and the next one gets another", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const first = await run(executor);
  const second = specOf([{ say: "up\n" }, { sleep: 60_000 }]);
  await executor.start(second);
  await world.record(second.runId, "program.json");
  const supervisor = await claimant(world, second);
  expect(supervisor).toEqual(await claimant(world, first.spec));
  process.kill(supervisor.pid, "SIGKILL");
  expect(await endOf(executor, second.runId)).toMatchObject({ state: "failed", failure: { category: "Lost" } });
  expect(await world.lives(second.runId)).toBe(false);
  expect(await endOf(executor, first.spec.runId)).toEqual(first.end);
  const third = await run(executor);
  expect(third.end.state).toBe("success");
  expect(await claimant(world, third.spec)).not.toEqual(supervisor);
});

test("a stop ends the run it was meant for, and the supervisor's next run goes on", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const first = await run(executor);
  const second = specOf([{ say: "up\n" }, { sleep: 60_000 }]);
  await executor.start(second);
  await world.record(second.runId, "program.json");
  await executor.stop(second.runId);
  expect((await endOf(executor, second.runId)).state).toBe("stopped");
  const third = await run(executor, [{ sleep: 300 }]);
  expect(third.end.state).toBe("success");
  expect(await claimant(world, third.spec)).toEqual(await claimant(world, first.spec));
});

test("a run handed to a supervisor that is gone before it claims it is started by another, once", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const first = await run(executor);
  const supervisor = await claimant(world, first.spec);
  // It lives when the run is handed over, and never reads of it.
  process.kill(supervisor.pid, "SIGSTOP");
  const second = specOf([{ append: join(world.directory, "ledger") }]);
  await executor.start(second);
  expect(await readdir(world.runDirectory(second.runId))).not.toContain("claim.json");
  process.kill(supervisor.pid, "SIGKILL");
  expect((await endOf(executor, second.runId)).state).toBe("success");
  expect((await world.read("ledger")).trim().split("\n")).toHaveLength(1);
  expect(await claimant(world, second)).not.toEqual(supervisor);
});

test("a run handed to a supervisor that hangs is started by another, and the first finds it taken", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const first = await run(executor);
  const supervisor = await claimant(world, first.spec);
  process.kill(supervisor.pid, "SIGSTOP");
  const second = await run(executor, [{ append: join(world.directory, "ledger") }]);
  expect(second.end.state).toBe("success");
  process.kill(supervisor.pid, "SIGCONT");
  await ended(supervisor);
  expect((await world.read("ledger")).trim().split("\n")).toHaveLength(1);
  expect(await claimant(world, second.spec)).not.toEqual(supervisor);
});

test("no supervisor that waits outlives the close of its runner, one at work ends after its run", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open();
  const waits = await run(executor, [{ sleep: 200 }]);
  const works = specOf([{ waitFor: join(world.directory, "gate") }]);
  const other = specOf([{ waitFor: join(world.directory, "other") }]);
  await executor.start(works);
  await executor.start(other);
  await world.record(works.runId, "program.json");
  await world.touch("other");
  await endOf(executor, other.runId);
  const idle = await claimant(world, other);
  expect(idle).not.toEqual(await claimant(world, works));
  expect(await isAlive(idle)).toBe(true);
  await executor.close();
  await ended(idle);
  const busy = await claimant(world, works);
  expect(await isAlive(busy)).toBe(true);
  await world.touch("gate");
  expect(await world.record(works.runId, "end.json")).toMatchObject({ state: "success" });
  await ended(busy);
  expect([idle, busy]).toContainEqual(await claimant(world, waits.spec));
});

test("a runner's death leaves a supervisor in its second run at work, which ends after it", LIMIT, async () => {
  const world = await createProcessWorld();
  const first = specOf([]);
  const second = specOf([{ append: join(world.directory, "ledger") }, { waitFor: join(world.directory, "gate") }]);
  const runner = await world.runner(second, { before: [first] });
  await eventually(() => world.read("ledger"), 20_000);
  const supervisor = await claimant(world, second);
  expect(supervisor).toEqual(await claimant(world, first));
  await runner.kill();
  const executor = await world.open();
  expect(await isAlive(supervisor)).toBe(true);
  await world.touch("gate");
  expect((await endOf(executor, second.runId)).state).toBe("success");
  await ended(supervisor);
  expect((await world.read("ledger")).trim().split("\n")).toHaveLength(1);
});

test("a supervisor that waits ends after its wait, and its runner starts another", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ keepSupervisorsMs: 100 });
  const first = await run(executor);
  await ended(await claimant(world, first.spec));
  expect((await run(executor)).end.state).toBe("success");
});

test("without reuse every run has a supervisor of its own, which ends with it", LIMIT, async () => {
  const world = await createProcessWorld();
  const executor = await world.open({ keepSupervisorsMs: 0 });
  const [first, second] = [await run(executor), await run(executor)];
  const claims = [await claimant(world, first.spec), await claimant(world, second.spec)];
  expect(claims[0]).not.toEqual(claims[1]);
  for (const claim of claims) await ended(claim);
});

test("nothing of a run reaches the next one in the same supervisor", LIMIT, async () => {
  const world = await createProcessWorld();
  const [store, seen] = [await temporaryDirectory(), await temporaryDirectory()];
  await mkdir(join(store, "shop"));
  const script = `env | sort > ${seen}/$pipelineRunId; cp "$0" ${seen}/$pipelineRunId.json; cat "$0"`;
  const executor = await world.open({
    command: ["/bin/sh", "-c", script, "{config}"],
    secrets: { provider: "file", path: store },
  });
  const once = async (password: string, config: Record<string, string>) => {
    await writeFile(join(store, "shop", "password"), password);
    const { spec, end } = await run(executor, [], { config: { ...config, password: "secret:/shop/password" } });
    expect(end.state, JSON.stringify(end.failure)).toBe("success");
    const log = (await executor.readLog(spec.runId, 0, 10_000)).text;
    const variables = await readFile(join(seen, spec.runId), "utf8");
    const handed = JSON.parse(await readFile(join(seen, `${spec.runId}.json`), "utf8"));
    return { spec, log, variables: variables.replaceAll(spec.runId, ""), handed };
  };
  const first = await once("correct-horse-battery", { only: "in the first" });
  const second = await once("another-staple-entirely", { note: "correct-horse-battery" });
  expect(await claimant(world, second.spec)).toEqual(await claimant(world, first.spec));
  // A fresh resolver: a kept answer would be the former value.
  expect(second.handed).toMatchObject({ password: "another-staple-entirely" });
  expect(second.handed).not.toHaveProperty("only");
  // A fresh redactor: it masks this run's value, and what was one in the former run is a text like any other.
  expect(first.log).not.toContain("correct-horse");
  expect(second.log).not.toContain("another-staple");
  expect(second.log).toContain("correct-horse-battery");
  const names = (text: string): readonly string[] => text.split("\n").map((line) => line.split("=")[0] ?? "");
  expect(names(second.variables)).toEqual(names(first.variables));
  expect(second.variables).not.toContain((await world.record(first.spec.runId, "intent.json"))["mark"]);
});

test("what a supervisor has to say about its second run is in that run's directory", LIMIT, async () => {
  const world = await createProcessWorld();
  const environment = { PATH: process.env["PATH"] ?? "", HYBRID_RUNNER_SECRET_PIN: "123" };
  const executor = await world.open({ environment });
  const first = await run(executor);
  const second = await run(executor, [], { config: { steps: [], pin: "secret:/pin" } });
  expect(await claimant(world, second.spec)).toEqual(await claimant(world, first.spec));
  const words = (spec: RunSpec) => readFile(join(world.runDirectory(spec.runId), "supervisor.log"), "utf8");
  expect(await words(second.spec)).toContain("too short or too plain to be masked");
  expect(await words(first.spec)).toBe("");
});

/** Supervisors that do nothing but read, on no run. */
async function readers(): Promise<{
  supervisors: Supervisors;
  place: (name: string) => Parameters<Supervisors["start"]>[0];
}> {
  const workingDirectory = await temporaryDirectory();
  const supervisors = new Supervisors({
    command: ["/bin/sh", "-c", "cat >/dev/null"],
    environment: { PATH: "/usr/bin:/bin" },
    keepMs: 60_000,
    clock: systemClock,
  });
  onTestFinished(() => supervisors.close());
  const place = (name: string) => ({
    directory: join(workingDirectory, name),
    workingDirectory,
    outputFile: join(workingDirectory, "output"),
  });
  return { supervisors, place };
}

async function started(supervisors: Supervisors, place: Parameters<Supervisors["start"]>[0]): Promise<ProcessIdentity> {
  const identity = await supervisors.start(place);
  if (identity === undefined) throw new Error("it has ended already");
  return identity;
}

test("a supervisor takes a hundred runs and no more", LIMIT, async () => {
  const { supervisors, place } = await readers();
  const identity = await started(supervisors, place("0"));
  for (let runs = 1; runs < 100; runs++) {
    supervisors.ended(place(String(runs - 1)).directory, identity);
    expect(await supervisors.handOver(place(String(runs)))).toEqual(identity);
  }
  supervisors.ended(place("99").directory, identity);
  expect(await supervisors.handOver(place("100"))).toBeUndefined();
  await ended(identity);
});

test("sixteen supervisors wait at most, and only for runs of the same working directory", LIMIT, async () => {
  const { supervisors, place } = await readers();
  const identities: ProcessIdentity[] = [];
  for (let index = 0; index < 17; index++) identities.push(await started(supervisors, place(String(index))));
  for (const [index, identity] of identities.entries()) supervisors.ended(place(String(index)).directory, identity);
  await ended(identities[16] as ProcessIdentity);
  expect(await Promise.all(identities.slice(0, 16).map(isAlive))).not.toContain(false);
  expect(await supervisors.handOver({ ...place("x"), workingDirectory: "/elsewhere" })).toBeUndefined();
});

test("a supervisor that didn't claim the run it was given is not given another", LIMIT, async () => {
  const { supervisors, place } = await readers();
  const [one, two] = [await started(supervisors, place("1")), await started(supervisors, place("2"))];
  supervisors.ended(place("1").directory, two);
  expect(await supervisors.handOver(place("3"))).toBeUndefined();
  await ended(one);
});
