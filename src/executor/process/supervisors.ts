import type { Clock } from "../../base/clock.ts";
import {
  type DetachedInput,
  isAlive,
  type ProcessIdentity,
  processIdentity,
  startDetached,
} from "../../runtime/process.ts";

/** What supervisors are started with. */
export interface SupervisorsOptions {
  /** Starts a supervisor, but for the run's directory, which is added. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** So long a supervisor that has ended its run is kept for the next one; 0: every run gets one of its own. */
  readonly keepMs: number;
  readonly clock: Clock;
}

/** What one run's supervisor is started for. */
export interface SupervisorPlace {
  /** The run's directory. */
  readonly directory: string;
  readonly workingDirectory: string;
  /** Takes what a new supervisor prints. */
  readonly outputFile: string;
}

/** So many wait at most: a burst shall not stay in memory. */
const MOST_WAITING = 16;
/** So many runs one supervisor takes: whatever piles up in a process ends with it. */
const MOST_RUNS = 100;

interface Supervisor {
  readonly identity: ProcessIdentity;
  readonly workingDirectory: string;
  readonly input: DetachedInput;
  runs: number;
  cancelEnd: () => void;
}

/**
 * The supervisors that this process has started, and those of them that wait for another run. Nothing here decides about a run:
 * that does its claim. A supervisor is handed a run only after the end of its former one was seen on the disk, so that no
 * signal for that one can reach it any more.
 */
export class Supervisors {
  readonly #options: SupervisorsOptions;
  /** By the directory of the run they were given. */
  readonly #atWork = new Map<string, Supervisor>();
  readonly #waiting: Supervisor[] = [];
  #closed = false;

  constructor(options: SupervisorsOptions) {
    this.#options = options;
  }

  /** Hands a run to a supervisor that waits. Undefined when there is none; that it was handed over doesn't mean that it is taken. */
  async handOver({ directory, workingDirectory }: SupervisorPlace): Promise<ProcessIdentity | undefined> {
    for (;;) {
      const index = this.#waiting.findLastIndex((candidate) => candidate.workingDirectory === workingDirectory);
      const [supervisor] = index < 0 ? [] : this.#waiting.splice(index, 1);
      if (supervisor === undefined) return undefined;
      supervisor.cancelEnd();
      const lives = await isAlive(supervisor.identity).catch(() => false);
      if (lives && !this.#closed && supervisor.input.write(`${directory}\n`)) {
        supervisor.runs++;
        this.#atWork.set(directory, supervisor);
        return supervisor.identity;
      }
      supervisor.input.end();
    }
  }

  /** Starts a supervisor for a run. Undefined when it has ended already. @throws the system's error when it can't be started */
  async start({ directory, workingDirectory, outputFile }: SupervisorPlace): Promise<ProcessIdentity | undefined> {
    const { command, environment, keepMs } = this.#options;
    const [program = "", ...args] = command;
    const { pid, input } = await startDetached({
      command: program,
      args: [...args, directory],
      env: environment,
      cwd: workingDirectory,
      outputFile,
      keepsInput: keepMs > 0,
    });
    const identity = await processIdentity(pid).catch((error: unknown) => {
      input?.end();
      throw error;
    });
    if (input === undefined) return identity;
    this.dismiss(directory);
    if (identity === undefined || this.#closed) input.end();
    else this.#atWork.set(directory, { identity, workingDirectory, input, runs: 1, cancelEnd: () => undefined });
    return identity;
  }

  /** True when a supervisor of this process was given this run and is not known to have ended it. */
  has(directory: string): boolean {
    return this.#atWork.has(directory);
  }

  /** The end of a run was seen; `claimant` is the supervisor that had it, which now waits for another one. */
  ended(directory: string, claimant: ProcessIdentity): void {
    const supervisor = this.#atWork.get(directory);
    if (supervisor === undefined) return;
    const { pid, startTime } = supervisor.identity;
    const isIt = pid === claimant.pid && startTime === claimant.startTime;
    if (!isIt || this.#closed || supervisor.runs >= MOST_RUNS || this.#waiting.length >= MOST_WAITING) {
      this.dismiss(directory);
      return;
    }
    this.#atWork.delete(directory);
    this.#waiting.push(supervisor);
    const end = (): void => {
      const index = this.#waiting.indexOf(supervisor);
      if (index >= 0) this.#waiting.splice(index, 1);
      supervisor.input.end();
    };
    supervisor.cancelEnd = this.#options.clock.schedule(this.#options.keepMs, end, { unref: true });
  }

  /** The supervisor that was given this run shall end when it has nothing more to do. */
  dismiss(directory: string): void {
    this.#atWork.get(directory)?.input.end();
    this.#atWork.delete(directory);
  }

  /** Those that wait end, those at work end after their run. Nothing is handed over any more. */
  close(): void {
    this.#closed = true;
    for (const directory of [...this.#atWork.keys()]) this.dismiss(directory);
    for (const { input, cancelEnd } of this.#waiting.splice(0)) {
      cancelEnd();
      input.end();
    }
  }
}
