import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Executor, RunSpec } from "../../../src/executor/executor.ts";
import { RUN_MARK_VARIABLE } from "../../../src/executor/process/leftovers.ts";
import { createProcessExecutor, type ProcessExecutorOptions } from "../../../src/executor/process/process-executor.ts";
import { readIntent } from "../../../src/executor/process/run-directory.ts";
import { findMarkedProcesses } from "../../../src/runtime/process.ts";
import { eventually } from "../../fakes/eventually.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import type { ExecutorWorld } from "../executor.contract.ts";
import { beside, optionsFor } from "./process-options.ts";

/** What a record of a run holds, as far as the tests look. */
export interface SeenRecord {
  readonly identity: { readonly pid: number; readonly startTime: string };
  readonly [field: string]: unknown;
}

/** The world of the process executor: a data directory. */
export interface ProcessWorld extends ExecutorWorld {
  readonly data: string;
  /** Opens an executor that is closed when the test ends. */
  open(changes?: Partial<ProcessExecutorOptions>): Promise<Executor>;
  runDirectory(runId: string): string;
  /** A record of a run, as it stands on disk; waits until it is there. */
  record(runId: string, name: string): Promise<SeenRecord>;
  /** Starts a runner as a process of its own, which starts `spec` when the runs `before` have ended. */
  runner(spec?: RunSpec, changes?: { selfCommand?: readonly string[]; before?: readonly RunSpec[] }): Promise<Script>;
}

/** A script of this folder as a process of its own. */
export interface Script {
  readonly pid: number;
  /** Rejects when the script ends without having printed one. */
  readonly firstLine: Promise<string>;
  /** Exit code or signal. */
  readonly ended: Promise<string>;
  kill(): Promise<void>;
}

/** A new world; what still lives of its runs when the test ends is killed. */
export async function createProcessWorld(): Promise<ProcessWorld> {
  const directory = await temporaryDirectory();
  const data = join(directory, "data");
  const runIds = new Set<string>();
  const runDirectory = (runId: string): string => join(data, "runs", runId);
  const marked = async (runId: string): ReturnType<typeof findMarkedProcesses> => {
    const intent = await readIntent(runDirectory(runId)).catch(() => undefined);
    return intent === undefined ? [] : findMarkedProcesses(RUN_MARK_VARIABLE, intent.mark);
  };
  onTestFinished(async () => {
    for (const runId of runIds) for (const { pid } of await marked(runId)) process.kill(pid, "SIGKILL");
  });
  return {
    directory,
    data,
    runDirectory,
    open: async (changes) => {
      const executor = await createProcessExecutor({ ...optionsFor(data), ...changes });
      onTestFinished(() => executor.close());
      const start = executor.start.bind(executor);
      executor.start = (spec) => {
        runIds.add(spec.runId);
        return start(spec);
      };
      return executor;
    },
    lives: async (runId) => (await marked(runId)).length > 0,
    touch: (name) => writeFile(join(directory, name), ""),
    read: (name) => readFile(join(directory, name), "utf8"),
    record: (runId, name) =>
      eventually(async () => JSON.parse(await readFile(join(runDirectory(runId), name), "utf8")), 20_000),
    runner: async (spec, changes = {}) => {
      if (spec !== undefined) runIds.add(spec.runId);
      const job = join(directory, `job-${crypto.randomUUID()}.json`);
      await writeFile(job, JSON.stringify({ spec, ...changes }));
      return startScript("runner-script.ts", [data, job]);
    },
  };
}

/** Starts a script of this folder; it is killed when the test ends. */
export function startScript(
  name: string,
  args: readonly string[],
  options: { readonly uid?: number; readonly gid?: number } = {},
  [runtime = "", ...flags]: readonly string[] = [process.execPath],
): Script {
  const child = spawn(runtime, [...flags, beside(name), ...args], { stdio: ["ignore", "pipe", "inherit"], ...options });
  const ended = new Promise<string>((resolve) => child.once("exit", (code, signal) => resolve(signal ?? String(code))));
  const kill = async (): Promise<void> => {
    child.kill("SIGKILL");
    await ended;
  };
  onTestFinished(kill);
  const firstLine = new Promise<string>((resolve, reject) => {
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => {
      text += chunk.toString();
      if (text.includes("\n")) resolve(text.split("\n")[0] ?? "");
    });
    child.once("close", () => reject(new Error(`${name} ended without a line`)));
  });
  firstLine.catch(() => undefined);
  return { pid: child.pid ?? 0, firstLine, ended, kill };
}
