import { spawn } from "node:child_process";
import { open } from "node:fs/promises";
import type { Clock } from "../base/clock.ts";

/** What to start, and where its output goes. */
export interface ProgramOptions {
  /** The program and its arguments; never searched for when the program is an absolute path. */
  readonly command: readonly string[];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** Files that output is appended to; made with mode 0600. They may be the same file. */
  readonly stdoutFile: string;
  readonly stderrFile: string;
  readonly clock: Clock;
}

/** How a program ended: exactly one of the two is set. */
export interface ProgramExit {
  readonly code?: number;
  readonly signal?: string;
}

/** A started program. It has a process group of its own, so that Ctrl-C in the terminal reaches only us and we decide the order. */
export interface Program {
  readonly pid: number;
  /** Resolves once the program has ended; never rejects. */
  readonly exited: Promise<ProgramExit>;
  /** TERM, then after `graceMs` KILL for its group; resolves when the program has ended. Calling it again is harmless. */
  terminate(graceMs: number): Promise<ProgramExit>;
}

/**
 * Starts a program with closed input and output in files. Should this process end without having ended the program,
 * it is killed on the way out.
 * @throws the system's error (`ENOENT`, `EACCES` …) when it can't be started or a file can't be opened
 */
export async function startProgram(options: ProgramOptions): Promise<Program> {
  const [file, ...args] = options.command;
  if (file === undefined) throw new TypeError("the command is empty");
  const stdout = await open(options.stdoutFile, "a", 0o600);
  const stderr = await open(options.stderrFile, "a", 0o600);
  try {
    const child = spawn(file, args, {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: ["ignore", stdout.fd, stderr.fd],
    });
    const exited = new Promise<ProgramExit>((resolve) => {
      child.once("exit", (code, signal) => resolve(code === null ? { signal: signal ?? "unknown" } : { code }));
    });
    const pid = await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("spawn", () => resolve(child.pid ?? 0));
    });
    return follow(pid, exited, options.clock);
  } finally {
    await stdout.close();
    await stderr.close();
  }
}

function follow(pid: number, exited: Promise<ProgramExit>, clock: Clock): Program {
  let ended = false;
  const killOnTheWayOut = (): void => signalGroup(pid, "SIGKILL");
  process.once("exit", killOnTheWayOut);
  exited.then(() => {
    ended = true;
    process.off("exit", killOnTheWayOut);
  });
  const terminate = async (graceMs: number): Promise<ProgramExit> => {
    if (ended) return exited;
    signalProcess(pid, "SIGTERM");
    const cancel = clock.schedule(graceMs, () => signalGroup(pid, "SIGKILL"));
    return exited.finally(cancel);
  };
  return { pid, exited, terminate };
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // it has ended already
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    signalProcess(pid, signal);
  }
}
