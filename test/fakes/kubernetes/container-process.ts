import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { findMarkedProcesses } from "../../../src/runtime/process.ts";
import type { ContainerLog } from "./container-log.ts";

/** How a container's process has ended. */
export interface ContainerExit {
  /** 128 + n for a signal. */
  readonly exitCode: number;
}

/** What is started. */
export interface ContainerProcessOptions {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: ContainerLog;
}

/** Variable by which everything that a container started is found, whatever group or session it went into. */
export const CONTAINER_MARK = "FAKE_CONTAINER_MARK";

/** A container's processes: they end together, as in a process namespace. */
export class ContainerProcess {
  /** Settles when the main process and all others are gone and their output is in the log. */
  readonly exited: Promise<ContainerExit>;
  readonly #child: ChildProcess;
  readonly #mark: string;

  private constructor(child: ChildProcess, mark: string, log: ContainerLog) {
    this.#child = child;
    this.#mark = mark;
    child.stdout?.on("data", (chunk: Buffer) => log.append("stdout", chunk));
    child.stderr?.on("data", (chunk: Buffer) => log.append("stderr", chunk));
    this.exited = this.#wait(log);
  }

  /** Starts one. @throws the system's error, for example ENOENT */
  static async start(options: ContainerProcessOptions): Promise<ContainerProcess> {
    const [program = "", ...args] = options.argv;
    const mark = crypto.randomUUID();
    const env = { ...options.env, [CONTAINER_MARK]: mark };
    const child = spawn(program, args, { env, cwd: options.cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
    const process = new ContainerProcess(child, mark, options.log);
    await new Promise<void>((resolve, reject) => child.once("spawn", resolve).once("error", reject));
    return process;
  }

  /** Ids of its processes. */
  async pids(): Promise<readonly number[]> {
    return (await findMarkedProcesses(CONTAINER_MARK, this.#mark)).map(({ pid }) => pid);
  }

  /** To the main process only, as a container's stop does. */
  terminate(): void {
    this.#child.kill("SIGTERM");
  }

  /** To all of its processes. */
  async kill(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#killMarked();
  }

  async #wait(log: ContainerLog): Promise<ContainerExit> {
    const exit = await new Promise<ContainerExit>((resolve) => {
      this.#child.once("exit", (code, signal) =>
        resolve({ exitCode: code ?? 128 + constants.signals[signal ?? "SIGKILL"] }),
      );
      this.#child.once("error", () => resolve({ exitCode: 128 }));
    });
    const closed = new Promise<void>((resolve) => {
      if (this.#child.stdout?.closed === true && this.#child.stderr?.closed === true) resolve();
      else this.#child.once("close", () => resolve());
    });
    await this.#killMarked();
    await closed;
    log.end();
    return exit;
  }

  async #killMarked(): Promise<void> {
    for (const pid of await this.pids()) {
      try {
        process.kill(pid, "SIGKILL");
      } catch {
        // It is gone already.
      }
    }
  }
}
