import { spawn } from "node:child_process";
import { statSync } from "node:fs";
import { constants } from "node:os";
import { resolve } from "node:path";
import type { Readable } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { CodedError, errorCode } from "../base/errors.ts";
import { CHILD_ERRORS } from "./child-errors.ts";
import { missingStarter } from "./why-not-started.ts";

/** What to start, and who takes its output. */
export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** The child leads a process group of its own, so that a signal reaches all it started. */
  readonly ownGroup: true;
  readonly stdin: "ignore";
  /** Take the output piece by piece; the next piece is read when the promise has settled, so a slow taker slows the child down. */
  readonly onStdout: (bytes: Uint8Array) => void | Promise<void>;
  readonly onStderr: (bytes: Uint8Array) => void | Promise<void>;
}

/** How a child ended: exactly one of the two is not null. */
export interface ChildExit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

/** A started child. */
export interface Child {
  readonly pid: number;
  /**
   * Resolves when the child has ended and its output was taken to the end. When something it left behind keeps the output
   * open, what is there is taken and the rest given up, 2 s after the child's end. Rejects only with what a taker threw.
   */
  readonly exited: Promise<ChildExit>;
  /** Resolves at the child's end itself, its output aside; never rejects. */
  readonly ended: Promise<ChildExit>;
  /** Sends a signal to the child's group; false when nobody is there any more. */
  signalGroup(signal: NodeJS.Signals): boolean;
}

const DRAIN_MS = 2000;
const IDLE_MS = 50;
/** What may still be taken after the drain limit: more than a pipe holds. */
const LAST_BYTES = 2_097_152;

const running = new Set<number>();

/** Ids of the children that `startChild` has started and whose end isn't known yet. */
export const runningChildren: ReadonlySet<number> = running;

/** Starts a child. Should this process exit before the child has ended, the child's group is killed on the way out. @throws CodedError ProgramStartFailed; it repeats neither arguments nor environment */
export async function startChild(options: ChildOptions): Promise<Child> {
  const child = spawnChild(options);
  const { pid: spawned } = child;
  if (spawned !== undefined) {
    running.add(spawned);
    child.once("exit", () => running.delete(spawned));
  }
  const ended = new Promise<ChildExit>((resolve) => {
    child.once("exit", (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const pid = await new Promise<number>((resolve, reject) => {
    child.once("error", (error) => reject(startFailed(options, error)));
    child.once("spawn", () => resolve(child.pid ?? 0));
  });
  child.on("error", () => undefined);
  const killOnTheWayOut = (): void => void signalGroup(pid, "SIGKILL");
  process.once("exit", killOnTheWayOut);
  ended.then(() => process.off("exit", killOnTheWayOut));
  const drain = { over: false, wake: new Set<() => void>() };
  ended.then(() => {
    options.clock.schedule(
      DRAIN_MS,
      () => {
        drain.over = true;
        for (const wake of drain.wake) wake();
      },
      { unref: true },
    );
  });
  const output = Promise.all([
    pump(child.stdout, options.onStdout, drain, options.clock),
    pump(child.stderr, options.onStderr, drain, options.clock),
  ]);
  const exited = Promise.all([ended, output]).then(([exit]) => exit);
  exited.catch(() => undefined);
  return {
    pid,
    ended,
    exited,
    signalGroup: (signal) => signalGroup(pid, signal),
  };
}

/** The number of a signal by its name, for exit codes of the form 128 + n; 0 when this system has no such signal. */
export function signalNumber(signal: string): number {
  return Object.entries(constants.signals).find(([name]) => name === signal)?.[1] ?? 0;
}

interface Drain {
  over: boolean;
  readonly wake: Set<() => void>;
}

function spawnChild(options: ChildOptions): ReturnType<typeof spawn> & { stdout: Readable; stderr: Readable } {
  try {
    return spawn(options.command, [...options.args], {
      cwd: options.cwd,
      env: { ...options.env },
      detached: options.ownGroup,
      stdio: [options.stdin, "pipe", "pipe"],
      windowsHide: true,
    });
  } catch (error) {
    throw startFailed(options, error);
  }
}

/** Node's own errors quote arguments and variables, so only their code goes on. */
function startFailed(options: ChildOptions, error: unknown): CodedError {
  const code = errorCode(error) ?? "unknown";
  const kind = CHILD_ERRORS.ProgramStartFailed;
  const failed = (state: string, reason: string, advice?: string): CodedError =>
    new CodedError(kind, `Cannot start the program "${options.command}": ${state}`, {
      facts: { reason, systemCode: code },
      ...(advice === undefined ? {} : { advice }),
    });
  if (!isDirectory(options.cwd)) return failed(`its working directory ${options.cwd} is missing`, "other");
  if (code === "ENOENT" || code === "ENOTDIR") {
    const starter = missingStarter(options.command, options.cwd, options.env);
    if (starter !== undefined) return failed(starter.state, "notExecutable", starter.advice);
    return failed("there is no such program", "notFound");
  }
  if (code === "EACCES" && isDirectory(resolve(options.cwd, options.command)))
    return failed("it is a directory", "notExecutable", "Name a program in that directory");
  if (code === "EACCES" || code === "EPERM" || code === "ENOEXEC")
    return failed("it may not be executed", "notExecutable");
  if (code === "E2BIG") {
    return failed(
      "arguments and environment are too long together",
      "other",
      "Hand the configuration over in a file: put {config} into the command",
    );
  }
  return failed(`the system answers ${code}`, "other");
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** Reads in pull mode, so that at most one piece and the pipe's own buffer wait in memory. */
async function pump(stream: Readable, take: ChildOptions["onStdout"], drain: Drain, clock: Clock): Promise<void> {
  let left = LAST_BYTES;
  const state = { closed: false };
  let signalChange: () => void = () => undefined;
  const changed = (): void => signalChange();
  const onClose = (): void => {
    state.closed = true;
    changed();
  };
  stream.on("readable", changed);
  for (const event of ["end", "error", "close"]) stream.on(event, onClose);
  drain.wake.add(changed);
  try {
    for (;;) {
      const bytes: Uint8Array | null = stream.read();
      if (bytes !== null) {
        await take(bytes);
        if (drain.over) left -= bytes.length;
        if (left <= 0) return;
      } else if (state.closed) return;
      else {
        const late = drain.over;
        await new Promise<void>((resolve) => {
          signalChange = resolve;
          if (late) clock.schedule(IDLE_MS, resolve);
        });
        if (late && stream.readableLength === 0) return;
      }
    }
  } finally {
    drain.wake.delete(changed);
    stream.destroy();
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return pid > 1 && process.kill(-pid, signal);
  } catch {
    return false;
  }
}
