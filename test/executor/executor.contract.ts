import { createHash } from "node:crypto";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Executor, RunReport, RunSpec } from "../../src/executor/executor.ts";
import type { Json } from "../../src/protocol/messages.ts";
import { addsLogEnd, supersedes } from "../../src/protocol/run-state.ts";
import { eventually } from "../fakes/eventually.ts";

/** One step of test/executor/program.mjs. */
export type ProgramStep =
  | { readonly say: string }
  | { readonly complain: string }
  | { readonly append: string }
  | { readonly sleep: number }
  | { readonly waitFor: string }
  | { readonly ignoreTerm: true }
  | { readonly print: string }
  | { readonly daemon: string; readonly holdOutput?: true }
  | { readonly child: string }
  | { readonly kill: string }
  | { readonly exit: number };

/** Where an executor keeps its runs; it outlives the executor, so opening a second time is a restart. */
export interface ExecutorWorld {
  /** A directory that program and test both see. */
  readonly directory: string;
  /** Opens an executor whose program is program.mjs, with a grace of 1 s and a secret store without secrets. */
  open(): Promise<Executor>;
  /** True while a process of the run lives. */
  lives(runId: string): Promise<boolean>;
  /** Lets the program see that this file is there. */
  touch(name: string): Promise<void>;
  read(name: string): Promise<string>;
}

/** An executor under test. */
export interface ExecutorSubject {
  readonly name: string;
  createWorld(): Promise<ExecutorWorld>;
  /** Cases it can't be asked to pass, each with the reason, which is printed. */
  readonly skip?: Readonly<Record<string, string>>;
}

/** A run of the test program. */
export function specOf(steps: readonly ProgramStep[], changes: Partial<RunSpec> = {}): RunSpec {
  return {
    runId: crypto.randomUUID(),
    attempt: 1,
    pipelineId: crypto.randomUUID(),
    pipelineName: "shop_metadata",
    fullyQualifiedName: "shop.shop_metadata",
    pipelineType: "metadata",
    config: { steps: steps as unknown as Json[] },
    startBefore: Date.now() + 60_000,
    ...changes,
  };
}

/** A report that is no news after the one before is dropped by runner and gateway alike: an end would be lost with it. */
function expectNews(report: RunReport, before: RunReport | undefined): void {
  if (before === undefined) return;
  const waitsAnew = report.attempt === before.attempt && report.state === "queued" && before.state === "queued";
  const isNews = waitsAnew || supersedes(report, before) || addsLogEnd(report, before);
  expect(isNews, `${JSON.stringify(report)} after ${JSON.stringify(before)}`).toBe(true);
}

/** Every report of a run, to its end. */
export async function follow(executor: Executor, runId: string, limitMs = 40_000): Promise<RunReport[]> {
  const reports: RunReport[] = [];
  for await (const report of executor.observe(runId, AbortSignal.timeout(limitMs))) {
    expectNews(report, reports.at(-1));
    reports.push(report);
  }
  return reports;
}

/** The last report of a run. */
export async function endOf(executor: Executor, runId: string): Promise<RunReport> {
  const last = (await follow(executor, runId)).at(-1);
  if (last === undefined) throw new Error("the executor told nothing of the run");
  return last;
}

/** The whole log, read in pieces. */
export async function wholeLog(executor: Executor, runId: string, limit = 65_536): Promise<string> {
  let text = "";
  for (let offset = 0; ; ) {
    const piece = await executor.readLog(runId, offset, limit);
    expect(piece.offset).toBe(offset);
    expect(Buffer.byteLength(piece.text)).toBe(piece.nextOffset - piece.offset);
    text += piece.text;
    if (piece.ended) return text;
    if (piece.nextOffset === offset) throw new Error(`the log stands still at ${offset}`);
    offset = piece.nextOffset;
  }
}

/** What every executor must do. */
export function describeExecutor(subject: ExecutorSubject): void {
  const check = (name: string, body: (world: ExecutorWorld, executor: Executor) => Promise<void>): void => {
    test(name, { timeout: 300_000 }, async (context) => {
      const reason = subject.skip?.[name];
      if (reason !== undefined) context.skip(reason);
      const world = await subject.createWorld();
      const executor = await world.open();
      onTestFinished(() => executor.close());
      await body(world, executor);
    });
  };
  const running = (executor: Executor, runId: string): Promise<void> =>
    eventually(async () => {
      const report = (await executor.list()).find((candidate) => candidate.runId === runId);
      expect(report?.state).toBe("running");
    });

  describe(`${subject.name} executor keeps the contract`, () => {
    check("a program that exits 0 makes success, with proof", async (_world, executor) => {
      const spec = specOf([{ say: "hello\n" }, { sleep: 300 }]);
      expect(await executor.start(spec)).toBe("started");
      const reports = await follow(executor, spec.runId);
      // A slow place may tell twice why a run waits; no state may come back once it was left.
      const states = reports.map((report) => report.state).filter((state, index, all) => state !== all[index - 1]);
      expect(states.at(-1)).toBe("success");
      expect(states).toEqual([...new Set(states)]);
      const end = reports.at(-1);
      expect(end).toMatchObject({ runId: spec.runId, pipelineId: spec.pipelineId, attempt: 1, exitCode: 0 });
      expect(end?.proof).toMatch(/exit code 0/);
      expect(end?.failure).toBeUndefined();
      expect(end?.endedAt).toBeGreaterThanOrEqual(end?.startedAt ?? Number.POSITIVE_INFINITY);
    });

    check("any other exit code fails with ExitCode and the last 50 lines", async (_world, executor) => {
      const lines = Array.from({ length: 60 }, (_, index) => `line ${index}`);
      const spec = specOf([{ say: `${lines.join("\n")}\n` }, { sleep: 100 }, { exit: 3 }]);
      await executor.start(spec);
      const end = await endOf(executor, spec.runId);
      expect(end).toMatchObject({ state: "failed", exitCode: 3, failure: { category: "ExitCode" } });
      expect(end.failure?.logTail).toEqual(lines.slice(-50));
    });

    check("a program killed by KILL is failed with Killed", async (_world, executor) => {
      const spec = specOf([{ say: "soon dead\n" }, { sleep: 100 }, { kill: "SIGKILL" }, { sleep: 5000 }]);
      await executor.start(spec);
      const end = await endOf(executor, spec.runId);
      expect(end).toMatchObject({ state: "failed", failure: { category: "Killed", logTail: ["soon dead"] } });
      expect(end.exitCode).toBeUndefined();
    });

    check("the program is given the container contract", async (_world, executor) => {
      const names = ["pipelineType", "pipelineRunId", "PYTHONUNBUFFERED", "AUTH_TOKEN"];
      const spec = specOf(names.map((name) => ({ print: name })));
      await executor.start(spec);
      expect((await endOf(executor, spec.runId)).state).toBe("success");
      expect((await wholeLog(executor, spec.runId)).split("\n").filter((line) => line !== "")).toEqual([
        "pipelineType=metadata",
        `pipelineRunId=${spec.runId}`,
        "PYTHONUNBUFFERED=1",
        "AUTH_TOKEN=(unset)",
      ]);
    });

    check("a run started five times runs once", async (world, executor) => {
      const spec = specOf([{ append: `${world.directory}/ledger` }, { sleep: 200 }]);
      const answers = await Promise.all(Array.from({ length: 5 }, () => executor.start(spec)));
      expect(answers.filter((answer) => answer === "started")).toHaveLength(1);
      expect((await endOf(executor, spec.runId)).state).toBe("success");
      expect(await executor.start(spec)).toBe("exists");
      expect(await world.read("ledger")).toMatch(new RegExp(`^${spec.runId} \\d+\n$`));
    });

    check("a run past startBefore fails with StartTimeout and is never started", async (world, executor) => {
      const spec = specOf([{ append: `${world.directory}/ledger` }], { startBefore: Date.now() - 1 });
      await executor.start(spec);
      const end = await endOf(executor, spec.runId);
      expect(end).toMatchObject({ state: "failed", failure: { category: "StartTimeout" } });
      await expect(world.read("ledger")).rejects.toThrow();
    });

    check("a missing secret fails with SecretUnresolved and the program is never started", async (world, executor) => {
      const spec = specOf([{ append: `${world.directory}/ledger` }]);
      await executor.start({ ...spec, config: { ...spec.config, password: "secret:/shop/no/such/password" } });
      const end = await endOf(executor, spec.runId);
      expect(end).toMatchObject({ state: "failed", failure: { category: "SecretUnresolved" } });
      expect(JSON.stringify(end.failure)).toContain("secret:/shop/no/such/password");
      await expect(world.read("ledger")).rejects.toThrow();
    });

    check("a run over its timeout is ended with DeadlineExceeded, ignoring TERM or not", async (world, executor) => {
      const steps: ProgramStep[] = [{ ignoreTerm: true }, { say: "up\n" }, { sleep: 60_000 }];
      // Long enough for the program to begin: one whose time is over before that fails by what kept it.
      const spec = specOf(steps, { timeoutSeconds: 10 });
      await executor.start(spec);
      const end = await endOf(executor, spec.runId);
      expect(end).toMatchObject({ state: "failed", failure: { category: "DeadlineExceeded" } });
      expect(await world.lives(spec.runId)).toBe(false);
    });

    check("a running run that is stopped becomes stopped", async (world, executor) => {
      const spec = specOf([{ say: "up\n" }, { sleep: 60_000 }]);
      await executor.start(spec);
      await running(executor, spec.runId);
      await executor.stop(spec.runId);
      const end = await endOf(executor, spec.runId);
      expect(end.state).toBe("stopped");
      expect(end.failure).toBeUndefined();
      expect(await world.lives(spec.runId)).toBe(false);
    });

    check("a program that ignores TERM is killed after the grace, with its children", async (world, executor) => {
      const child = `${world.directory}/child`;
      const spec = specOf([
        { ignoreTerm: true },
        { child },
        { daemon: `${world.directory}/daemon` },
        { sleep: 60_000 },
      ]);
      await executor.start(spec);
      await eventually(() => world.read("daemon"), 20_000);
      await executor.stop(spec.runId);
      expect((await endOf(executor, spec.runId)).state).toBe("stopped");
      expect(await world.lives(spec.runId)).toBe(false);
    });

    check("a run stopped before its start never starts", async (world, executor) => {
      const spec = specOf([{ sleep: 500 }, { append: `${world.directory}/ledger` }]);
      await executor.start(spec);
      await executor.stop(spec.runId);
      expect((await endOf(executor, spec.runId)).state).toBe("stopped");
      await expect(world.read("ledger")).rejects.toThrow();
    });

    check("stopping an ended run changes nothing, stopping an unknown one neither", async (_world, executor) => {
      const spec = specOf([{ exit: 4 }]);
      await executor.start(spec);
      const end = await endOf(executor, spec.runId);
      await executor.stop(spec.runId);
      await executor.stop(crypto.randomUUID());
      expect(await endOf(executor, spec.runId)).toEqual(end);
    });

    check("an unknown run is failed with Lost", async (_world, executor) => {
      const runId = crypto.randomUUID();
      expect(await follow(executor, runId)).toMatchObject([{ runId, state: "failed", failure: { category: "Lost" } }]);
      expect(await executor.readLog(runId, 0, 100)).toMatchObject({ text: "", ended: true });
    });

    check("a restarted executor lists the run and follows it to its true end", async (world, executor) => {
      const spec = specOf([{ append: `${world.directory}/ledger` }, { waitFor: `${world.directory}/gate` }]);
      await executor.start(spec);
      await running(executor, spec.runId);
      await executor.close();
      const second = await world.open();
      onTestFinished(() => second.close());
      expect(await second.list()).toMatchObject([{ runId: spec.runId, state: "running" }]);
      expect(await second.start(spec)).toBe("exists");
      await world.touch("gate");
      expect((await endOf(second, spec.runId)).state).toBe("success");
      expect((await world.read("ledger")).trim().split("\n")).toHaveLength(1);
    });

    check("a run that ended while no executor was there is told afterwards", async (world, executor) => {
      const spec = specOf([{ waitFor: `${world.directory}/gate` }, { exit: 5 }]);
      await executor.start(spec);
      await running(executor, spec.runId);
      await executor.close();
      await world.touch("gate");
      await eventually(async () => expect(await world.lives(spec.runId)).toBe(false), 20_000);
      const second = await world.open();
      onTestFinished(() => second.close());
      expect(await endOf(second, spec.runId)).toMatchObject({ state: "failed", exitCode: 5 });
    });

    check("observe ends when its signal aborts, and the run goes on", async (world, executor) => {
      const spec = specOf([{ waitFor: `${world.directory}/gate` }]);
      await executor.start(spec);
      await running(executor, spec.runId);
      const states: string[] = [];
      const abort = new AbortController();
      for await (const report of executor.observe(spec.runId, abort.signal)) {
        states.push(report.state);
        abort.abort();
      }
      expect(states).toEqual(["running"]);
      await world.touch("gate");
      expect((await endOf(executor, spec.runId)).state).toBe("success");
    });

    check("the log is read in whole characters from any offset, and its end is known", async (_world, executor) => {
      const text = "a€𝄞ü\u{feff}\n".repeat(50);
      const spec = specOf([{ say: text }, { sleep: 100 }]);
      await executor.start(spec);
      const end = await endOf(executor, spec.runId);
      expect(await wholeLog(executor, spec.runId)).toBe(text);
      expect(await wholeLog(executor, spec.runId, 5)).toBe(text);
      expect(end.log).toEqual({
        bytes: Buffer.byteLength(text),
        sha256: createHash("sha256").update(text).digest("hex"),
      });
      const behind = Buffer.byteLength(text) + 10;
      expect(await executor.readLog(spec.runId, behind, 100)).toMatchObject({
        text: "",
        nextOffset: behind,
        ended: true,
      });
    });

    check("the log of a running run is readable and has not ended", async (world, executor) => {
      const spec = specOf([{ say: "first\n" }, { waitFor: `${world.directory}/gate` }, { say: "second\n" }]);
      await executor.start(spec);
      await eventually(async () => {
        expect(await executor.readLog(spec.runId, 0, 100)).toMatchObject({ text: "first\n", ended: false });
      });
      await world.touch("gate");
      await endOf(executor, spec.runId);
      expect(await executor.readLog(spec.runId, 6, 100)).toMatchObject({ text: "second\n", ended: true });
    });

    check("an ended run stays listed until it is released", async (world, executor) => {
      const spec = specOf([]);
      await executor.start(spec);
      await endOf(executor, spec.runId);
      expect((await executor.list()).map((report) => report.state)).toEqual(["success"]);
      await executor.release(spec.runId);
      await executor.release(spec.runId);
      expect(await executor.list()).toEqual([]);
      await executor.close();
      const second = await world.open();
      onTestFinished(() => second.close());
      expect(await second.list()).toEqual([]);
      expect(await second.start(spec)).toBe("exists");
    });

    check("a run that has not ended is not released", async (world, executor) => {
      const spec = specOf([{ waitFor: `${world.directory}/gate` }]);
      await executor.start(spec);
      await executor.release(spec.runId);
      expect(await executor.list()).toHaveLength(1);
      await world.touch("gate");
      expect((await endOf(executor, spec.runId)).state).toBe("success");
    });

    check("an executor in order says so", async (_world, executor) => {
      expect(await executor.check()).toMatchObject({ healthy: true });
    });
  });
}
