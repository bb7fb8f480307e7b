import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

/** A place where nothing is set up. */
export const CLEAN_ENVIRONMENT: Readonly<Record<string, string>> = { PATH: "/usr/bin:/bin", HOME: "/nonexistent" };

/** What a process keeps in memory, in MB (10^6 bytes). */
export interface Memory {
  /** Resident: also counts pages of files, which other processes share and the system can drop. */
  readonly resident: number;
  /** Written by this process and nobody's but its own. */
  readonly privateDirty: number;
}

/** Reads a process's memory from /proc/PID/smaps_rollup (proc(5)). @throws the system's error when there is no such process */
export async function memoryOf(pid: number): Promise<Memory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8");
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1]);
  return { resident: (kilobytes("Rss") * 1024) / 1e6, privateDirty: (kilobytes("Private_Dirty") * 1024) / 1e6 };
}

/** Processor time that was used, in milliseconds. */
export interface ProcessorTime {
  readonly own: number;
  /** By the processes it started, and theirs; of those that live only the first generation is looked at. */
  readonly below: number;
}

/** /proc counts in hundredths of a second, whatever the kernel's own tick is (USER_HZ, time(7)). */
const TICK_MS = 10;

/** Reads what a process and those below it have used of the processors (proc_pid_stat(5)). @throws the system's error when there is no such process */
export async function processorTimeOf(pid: number): Promise<ProcessorTime> {
  const { own, ended } = await timesOf(pid);
  let below = ended;
  for (const name of await readdir("/proc")) {
    const child = /^\d+$/.test(name) ? await timesOf(Number(name)).catch(() => undefined) : undefined;
    if (child?.parent === pid) below += child.own + child.ended;
  }
  return { own, below };
}

async function timesOf(pid: number): Promise<{ parent: number; own: number; ended: number }> {
  const text = await readFile(`/proc/${pid}/stat`, "latin1");
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const [, parent = 0] = fields;
  const [user = 0, system = 0, endedUser = 0, endedSystem = 0] = fields.slice(11, 15);
  return { parent, own: (user + system) * TICK_MS, ended: (endedUser + endedSystem) * TICK_MS };
}

/** Milliseconds from starting a program to its end. @throws Error unless it exits with 0 */
export async function timeToExit(command: readonly string[]): Promise<number> {
  const [file = "", ...args] = command;
  const since = performance.now();
  const child = spawn(file, args, { env: CLEAN_ENVIRONMENT, stdio: "ignore" });
  const code = await exitOf(child);
  if (code !== 0) throw new Error(`${command.join(" ")} ended with ${code}`);
  return performance.now() - since;
}

/** The exit code, or the signal's name. @throws the system's error when it could not be started */
export async function exitOf(child: ChildProcess): Promise<number | string> {
  if (child.exitCode !== null) return child.exitCode;
  if (child.signalCode !== null) return child.signalCode;
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
  });
}

const owned = new Set<ChildProcess>();

function killOwned(): void {
  for (const child of owned) child.kill("SIGKILL");
}

/** Starts a process that is killed when the bench ends before it. */
export function startOwned(
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  stdio: StdioOptions = "ignore",
): ChildProcess {
  const [file = "", ...args] = command;
  const child = spawn(file, args, { env, stdio });
  process.off("exit", killOwned).once("exit", killOwned);
  owned.add(child);
  child.once("exit", () => owned.delete(child));
  return child;
}

/** Ends a process that this bench started, and waits for its end. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = exitOf(child);
  child.kill(signal);
  await exited;
}

/** Asks again and again until there is an answer. @throws Error after the limit */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined> | T | undefined,
  limitMs = 60_000,
  pauseMs = 25,
): Promise<T> {
  const since = performance.now();
  for (;;) {
    const answer = await ask();
    if (answer !== undefined) return answer;
    if (performance.now() - since > limitMs) throw new Error(`Cannot measure: ${what} did not happen in ${limitMs} ms`);
    await sleep(pauseMs);
  }
}

/** Does `count` things, at most `width` at a time. */
export async function inParallel(count: number, width: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let index = next++; index < count; index = next++) await work(index);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
