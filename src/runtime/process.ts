import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import * as fs from "node:fs/promises";
import { delimiter, isAbsolute, join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { promisify } from "node:util";
import { errorCode } from "../base/errors.ts";

/**
 * One process of this machine. A process id alone is used again after a while; together with the start time it is unique.
 * `startTime` is opaque: on Linux clock ticks since boot and the boot's id, elsewhere what `ps` prints.
 */
export interface ProcessIdentity {
  readonly pid: number;
  readonly startTime: string;
}

/** A process found by its mark, with the group it is in. */
export interface MarkedProcess extends ProcessIdentity {
  readonly group: number;
}

/** What to start apart from this process. */
export interface DetachedOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Takes what the process prints; appended to, mode 0600. Without it the output is thrown away. */
  readonly outputFile?: string;
  /** Its standard input is ours to write to, and ends when we do. Without it there is nothing to read. */
  readonly keepsInput?: boolean;
}

/** A process that was started apart from this one. */
export interface Detached {
  readonly pid: number;
  /** Absent unless asked for. */
  readonly input?: DetachedInput;
}

/** The standard input of a process that was started apart; it doesn't keep this one alive. */
export interface DetachedInput {
  /** False when it is known that nobody reads it any more; true promises nothing. */
  write(text: string): boolean;
  end(): void;
}

/**
 * The identity of a process, or undefined when there is none. One that has ended and waits to be reaped (state Z) is none.
 * @throws the system's error when that can't be told
 */
export async function processIdentity(pid: number): Promise<ProcessIdentity | undefined> {
  if (process.platform !== "linux") return identityFromPs(pid);
  const stat = await readStat(pid);
  return stat === undefined ? undefined : { pid, startTime: stat.startTime };
}

/** True while this very process lives; false when it ended, even if another one has its process id now. @throws as `processIdentity` */
export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await processIdentity(identity.pid))?.startTime === identity.startTime;
}

/** The identity of this process. */
export async function ownIdentity(): Promise<ProcessIdentity> {
  const identity = await processIdentity(process.pid);
  if (identity === undefined) throw new Error(`Cannot find this process itself: no entry for ${process.pid}`);
  return identity;
}

/**
 * Starts a process that is the leader of its own session and has no stream of this one, so that it outlives us
 * whatever ends us. Resolves once it runs.
 * @throws the system's error (`ENOENT`, `EACCES`, `EAGAIN` …) when it can't be started
 */
export async function startDetached(options: DetachedOptions): Promise<Detached> {
  const output = options.outputFile === undefined ? undefined : openSync(options.outputFile, "a", 0o600);
  try {
    const child = spawn(options.command, [...options.args], {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: [options.keepsInput === true ? "pipe" : "ignore", output ?? "ignore", output ?? "ignore"],
    });
    child.unref();
    const input = child.stdin === null ? undefined : inputOf(child.stdin);
    return await new Promise((done, fail) => {
      child.once("error", fail);
      child.once("spawn", () => {
        if (child.pid === undefined) fail(new Error("no process id"));
        else done({ pid: child.pid, ...(input === undefined ? {} : { input }) });
      });
    });
  } finally {
    if (output !== undefined) closeSync(output);
  }
}

function inputOf(stream: Writable & { readonly unref?: () => void }): DetachedInput {
  // Whoever reads it may end at any time, and says so by what it does.
  stream.on("error", () => undefined);
  stream.unref?.();
  return {
    write(text) {
      if (!stream.writable) return false;
      stream.write(text);
      return true;
    },
    end: () => void stream.end(),
  };
}

/** Sends a signal to this very process. False when it has ended, even if another one has its process id now. */
export async function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  return (await isAlive(identity)) && send(identity.pid, signal);
}

/** Sends a signal to every member of the group that `group` leads or led. False when it has no member. The caller knows that the group is its own. */
export function signalGroup(group: number, signal: NodeJS.Signals): boolean {
  return group > 1 && send(-group, signal);
}

/** True when a group of this number has a member that lives (on Linux: one that waits to be reaped doesn't count). */
export async function groupLives(group: number): Promise<boolean> {
  if (group <= 1 || !send(-group, 0)) return false;
  if (process.platform !== "linux") return true;
  for (const entry of await fs.readdir("/proc")) {
    const pid = Number(entry);
    if (Number.isInteger(pid) && (await readStat(pid))?.group === group) return true;
  }
  return false;
}

/**
 * Every process whose environment at its start had NAME=VALUE, but not this one. Finds children that left their group and session.
 * Only Linux tells the environment of others: elsewhere the answer is empty. A process of another user, or one that has
 * overwritten its environment, isn't found. `atOnce` takes a fifth of the processor time, but all else stands still meanwhile,
 * perhaps for long: the kernel may let whoever asks for an environment wait (for a process that hangs on its memory).
 */
export async function findMarkedProcesses(
  name: string,
  value: string,
  atOnce = false,
): Promise<readonly MarkedProcess[]> {
  if (process.platform !== "linux") return [];
  const mark = `\0${name}=${value}\0`;
  const found: MarkedProcess[] = [];
  for (const entry of await fs.readdir("/proc")) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const path = `/proc/${entry}/environ`;
    const environ = atOnce ? readProcAtOnce(path) : await readProc(path);
    if (environ === undefined || !`\0${environ}\0`.includes(mark)) continue;
    const stat = await readStat(pid);
    if (stat !== undefined) found.push({ pid, ...stat });
  }
  return found;
}

/** Path of an executable file: `program` itself when it has a separator (seen from `cwd`), else the first hit in `searchPath` (form of PATH). */
export async function findProgram(program: string, searchPath: string, cwd: string): Promise<string | undefined> {
  const named = isAbsolute(program) || program.includes("/");
  const places = named ? [resolve(cwd, program)] : searchPath.split(delimiter).map((place) => join(place, program));
  for (const place of places) {
    try {
      await fs.access(place, fs.constants.X_OK);
      if ((await fs.stat(place)).isFile()) return place;
    } catch {
      // the next place may have it
    }
  }
  return undefined;
}

function send(target: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(target, signal);
  } catch (error) {
    // EPERM: it lives, but is not ours to end.
    return errorCode(error) === "EPERM" && signal === 0;
  }
}

let bootId: string | undefined;

/** Fields 3, 5 and 22 of /proc/<pid>/stat (proc(5)); the second field is in brackets and may hold anything. */
async function readStat(pid: number): Promise<{ startTime: string; group: number } | undefined> {
  const text = await readProc(`/proc/${pid}/stat`);
  const fields = text?.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, group, ticks] = [fields?.[0], fields?.[2], fields?.[19]];
  if (state === undefined || ticks === undefined || "ZXx".includes(state)) return undefined;
  bootId ??= (await readProc("/proc/sys/kernel/random/boot_id"))?.trim() ?? "";
  return { startTime: `${ticks}@${bootId}`, group: Number(group) };
}

/**
 * Undefined when the process is gone or is not ours to look at. Anything else (no file descriptor left, no memory) says nothing
 * about the process, so it is thrown: who is taken for dead is cleaned up.
 */
async function readProc(path: string): Promise<string | undefined> {
  try {
    return await fs.readFile(path, "latin1");
  } catch (error) {
    return unlessNobodyIsThere(error);
  }
}

function readProcAtOnce(path: string): string | undefined {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    return unlessNobodyIsThere(error);
  }
}

function unlessNobodyIsThere(error: unknown): undefined {
  if (["ENOENT", "ESRCH", "EACCES", "EPERM"].includes(errorCode(error) ?? "")) return undefined;
  throw error;
}

async function identityFromPs(pid: number): Promise<ProcessIdentity | undefined> {
  const { execFile } = await import("node:child_process");
  try {
    const { stdout } = await promisify(execFile)("ps", ["-o", "state=,lstart=", "-p", String(pid)], { timeout: 5000 });
    const [state, ...start] = stdout.trim().split(/\s+/);
    return state === undefined || state === "" || state.startsWith("Z")
      ? undefined
      : { pid, startTime: start.join(" ") };
  } catch {
    return undefined;
  }
}
