import { spawn } from "node:child_process";
import { readdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { RunReport } from "../../src/executor/executor.ts";
import { createRunDirectory, type RunIntent, takeClaim, writeStop } from "../../src/executor/process/run-directory.ts";
import { ownIdentity } from "../../src/runtime/process.ts";
import { endingOf, type SeenRun } from "../../src/wrapper/run-ending.ts";
import type { WrappedEnd } from "../../src/wrapper/wrapper.ts";
import { type ProgramStep, specOf } from "../executor/executor.contract.ts";
import { optionsFor } from "../executor/process/process-options.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const LIMIT = { timeout: 300_000 };
const output = { log: { bytes: 0, sha256: "" } };

function seen(end: WrappedEnd | Error, changes: Partial<SeenRun> = {}): SeenRun {
  return { end, pid: 42, late: false, stopAsked: false, output, survivors: 0, ...changes };
}

/** A run on disk, and a supervisor for it as the runner would start one. */
async function storeRun(
  steps: readonly ProgramStep[],
  changes: Parameters<typeof specOf>[1] = {},
): Promise<{ directory: string; supervise: () => Promise<number | null>; end: () => Promise<RunReport> }> {
  const runs = await temporaryDirectory();
  const { command, environment, secrets, graceMs, selfCommand } = optionsFor("");
  const spec = specOf(steps, changes);
  const intent: RunIntent = {
    version: 1,
    createdAt: Date.now(),
    spec,
    command,
    environment,
    workingDirectory: runs,
    secrets,
    graceMs,
    mark: crypto.randomUUID(),
  };
  await createRunDirectory(runs, intent);
  const directory = join(runs, spec.runId);
  const [program = "", ...args] = [...selfCommand, "exec", "--run-directory", directory];
  const supervise = (): Promise<number | null> =>
    new Promise((resolve) => {
      const child = spawn(program, args, { stdio: "ignore", detached: true, env: environment });
      child.once("exit", resolve);
      onTestFinished(() => void child.kill("SIGKILL"));
    });
  return { directory, supervise, end: async () => JSON.parse(await readFile(join(directory, "end.json"), "utf8")) };
}

test("endingOf makes success from exit code 0 and from nothing else", () => {
  const ends: readonly (WrappedEnd | Error)[] = [
    { kind: "exited", exitCode: 1 },
    { kind: "exited", exitCode: 137 },
    { kind: "signaled", signal: "SIGKILL" },
    { kind: "stopped", exitCode: 0 },
    { kind: "timedOut" },
    { kind: "notStarted", category: "ConfigError", summary: "s", detail: "d", advice: "a" },
    new Error("broken"),
  ];
  for (const stopAsked of [true, false]) {
    for (const late of [true, false]) {
      const states = ends.map((end) => endingOf(seen(end, { stopAsked, late }), 1, 2).state);
      expect(states).not.toContain("success");
    }
  }
  expect(endingOf(seen({ kind: "exited", exitCode: 0 }), 1, 2)).toMatchObject({ state: "success", exitCode: 0 });
});

test.each([
  [{ kind: "exited", exitCode: 2 }, {}, "ExitCode"],
  [{ kind: "signaled", signal: "SIGSEGV" }, {}, "Killed"],
  [{ kind: "timedOut" }, {}, "DeadlineExceeded"],
  [{ kind: "stopped" }, {}, "Killed"],
  [{ kind: "stopped" }, { late: true }, "StartTimeout"],
  [{ kind: "stopped" }, { stopAsked: true }, undefined],
  [new Error("broken"), {}, "Lost"],
] as const)("endingOf %o %o is %s", (end, changes, category) => {
  expect(endingOf(seen(end, changes), 1, 2).failure?.category).toBe(category);
});

test.each([
  [{ kind: "signaled", signal: "SIGSEGV" }, "Killed", "crashed with SIGSEGV: it reached for memory"],
  [{ kind: "signaled", signal: "SIGABRT" }, "Killed", "crashed with SIGABRT: it gave itself up"],
  [{ kind: "signaled", signal: "SIGILL" }, "Killed", "crashed with SIGILL"],
  [{ kind: "signaled", signal: "SIGBUS" }, "Killed", "crashed with SIGBUS"],
  [{ kind: "exited", exitCode: 139 }, "ExitCode", "exit code 139: it crashed with SIGSEGV"],
] as const)(
  "endingOf %o tells a crash of the program, and sends nobody to look for who sent a signal",
  (end, category, words) => {
    const { failure } = endingOf(seen(end), 1, 2);
    expect(failure).toMatchObject({ category, summary: expect.stringContaining(words) });
    expect(failure?.advice).toContain("a fault of the program");
  },
);

test.each(["SIGKILL", "SIGTERM", "SIGHUP"])("endingOf tells %s as sent by somebody", (signal) => {
  const { failure } = endingOf(seen({ kind: "signaled", signal }), 1, 2);
  expect(failure).toMatchObject({ category: "Killed", summary: `The ingestion program was ended by ${signal}` });
  expect(failure?.advice).toBeUndefined();
});

test("endingOf tells what is missing of the log and what could not be ended", () => {
  const lost = { bytes: 9, reason: "ENOSPC" };
  const ending = endingOf(seen({ kind: "exited", exitCode: 0 }, { output: { ...output, lost }, survivors: 2 }), 1, 2);
  expect(ending.state).toBe("success");
  expect(ending.proof).toMatch(/9 bytes.*ENOSPC.*2 processes/);
});

test("two supervisors of one run start its program once, and both exit 0", LIMIT, async () => {
  const ledger = join(await temporaryDirectory(), "ledger");
  const run = await storeRun([{ append: ledger }]);
  expect(await Promise.all([run.supervise(), run.supervise(), run.supervise()])).toEqual([0, 0, 0]);
  expect((await readFile(ledger, "utf8")).trim().split("\n")).toHaveLength(1);
  expect(await run.end()).toMatchObject({ state: "success" });
});

test("a supervisor that loses the claim leaves the run as it is", LIMIT, async () => {
  const run = await storeRun([]);
  await takeClaim(run.directory, { version: 1, who: "supervisor", at: 1, identity: await ownIdentity() });
  expect(await run.supervise()).toBe(0);
  expect((await readdir(run.directory)).sort()).toEqual(["claim.json", "intent.json", "reserve"]);
});

test("a stop written before the supervisor comes is kept to", LIMIT, async () => {
  const run = await storeRun([{ say: "never" }]);
  await writeStop(run.directory, Date.now());
  expect(await run.supervise()).toBe(0);
  expect(await run.end()).toMatchObject({ state: "stopped", log: { bytes: 0 } });
  expect(await readdir(run.directory)).not.toContain("program.json");
});

test("a supervisor that comes too late doesn't start the program", LIMIT, async () => {
  const run = await storeRun([{ say: "never" }], { startBefore: Date.now() - 1 });
  expect(await run.supervise()).toBe(0);
  expect(await run.end()).toMatchObject({ state: "failed", failure: { category: "StartTimeout" } });
  expect(await readdir(run.directory)).not.toContain("program.json");
});

test("a full disk under the log doesn't end the run, and the proof says what is missing", LIMIT, async () => {
  const run = await storeRun([{ say: "a line that finds no room\n" }]);
  await symlink("/dev/full", join(run.directory, "output.log"));
  expect(await run.supervise()).toBe(0);
  const end = await run.end();
  expect(end).toMatchObject({ state: "success", exitCode: 0, log: { bytes: 0 } });
  expect(end.proof).toMatch(/the log lacks 26 bytes.*ENOSPC/);
});

test("a supervisor without a run exits with 1 and claims nothing", LIMIT, async () => {
  const run = await storeRun([]);
  const [program = "", ...args] = optionsFor("").selfCommand;
  const missing = join(run.directory, "missing");
  const code = await new Promise((resolve) => {
    spawn(program, [...args, "exec", "--run-directory", missing], { stdio: "ignore" }).once("exit", resolve);
  });
  expect(code).toBe(1);
  expect(await readdir(run.directory)).toEqual(["intent.json", "reserve"]);
});
