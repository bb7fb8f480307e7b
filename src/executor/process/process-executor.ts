import { backoffDelay } from "../../base/backoff.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Json } from "../../protocol/messages.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import type { SecretReads } from "../../protocol/secret-reads.ts";
import type { ExclusiveLock } from "../../runtime/exclusive-lock.ts";
import { absolutePath, fileSize, joinPath } from "../../runtime/files.ts";
import { findProgram } from "../../runtime/process.ts";
import { place } from "../../runtime/system.ts";
import type { Executor, ExecutorHealth, LogPiece, RunReport, RunSpec } from "../executor.ts";
import { programEnvironment, supervisorEnvironment } from "./clean-environment.ts";
import { lockDataDirectory, proveWritable } from "./data-directory-lock.ts";
import { readLogPiece } from "./log-reader.ts";
import { untilNextLook } from "./next-look.ts";
import { Retention } from "./retention.ts";
import { RunCare } from "./run-care.ts";
import {
  createRunDirectory,
  listRunDirectories,
  outputPath,
  readIntent,
  sweepRunDirectories,
  writeStop,
} from "./run-directory.ts";
import { intentOf, notStored } from "./run-intent.ts";
import { Supervisors } from "./supervisors.ts";
import { TroubleLog } from "./trouble-log.ts";

/** What the process executor is made of. */
export interface ProcessExecutorOptions {
  readonly dataDirectory: string;
  /** The ingestion program and its arguments; `{config}` stands for the path of the configuration file. */
  readonly command: readonly string[];
  /** This process's own environment, of which only the allow-lists of clean-environment.ts are passed on. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables for the program beside the allow-list. */
  readonly programVariables?: Readonly<Record<string, string>>;
  /** Variables of the program that are masked whatever their names say. */
  readonly maskedVariables?: readonly string[];
  /** More variables the supervisor needs for its secret store; `*` at the end stands for any rest. */
  readonly supervisorVariables?: readonly string[];
  /** Where programs run; this process's own directory when absent. */
  readonly workingDirectory?: string;
  /** Settings of the secret store, handed to the supervisor as they are. */
  readonly secrets: Json;
  /** From TERM to KILL. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly log: Log;
  /** The command that starts this program again; `exec --run-directory DIR` is added. */
  readonly selfCommand: readonly string[];
  /** The data directory's lock when the caller has it already; otherwise the executor takes it and gives it back at `close`. */
  readonly lock?: ExclusiveLock;
  /** So many released runs stay readable; 100 when absent. */
  readonly keepReleased?: number;
  /** A released run stays readable for so many days; 30 when absent. */
  readonly keepReleasedDays?: number;
  /** A supervisor that has ended its run waits so long for the next one; 5,000 when absent, 0 gives every run one of its own. */
  readonly keepSupervisorsMs?: number;
  /** Told once for each run that had its secret store read, when its end is seen. */
  readonly onSecretReads?: (reads: SecretReads) => void;
}

/** Supervisors wait longer by themselves (supervisor.ts), so that this side decides. */
const KEEP_SUPERVISORS_MS = 5000;
const DAY_MS = 86_400_000;
const RELEASE_BACKOFF = { floorMs: 500, baseMs: 1000, capMs: 30_000 };
const LOOKS_AT_ONCE = 8;
const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * Opens the process executor on a data directory.
 * @throws CodedError DataDirectoryLocked, DataDirectoryUnwritable
 */
export async function createProcessExecutor(options: ProcessExecutorOptions): Promise<Executor> {
  const dataDirectory = absolutePath(options.dataDirectory);
  const lock = options.lock ?? (await lockDataDirectory(dataDirectory));
  const runsDirectory = joinPath(dataDirectory, "runs");
  try {
    await sweepRunDirectories(runsDirectory);
    const executor = new ProcessExecutor(options, dataDirectory, options.lock === undefined ? lock : undefined);
    await executor.load();
    return executor;
  } catch (error) {
    if (options.lock === undefined) lock.release();
    throw error;
  }
}

class ProcessExecutor implements Executor {
  readonly kind = "process";
  readonly #options: ProcessExecutorOptions;
  readonly #dataDirectory: string;
  readonly #runsDirectory: string;
  readonly #ownLock: ExclusiveLock | undefined;
  readonly #workingDirectory: string;
  readonly #programEnvironment: Readonly<Record<string, string>>;
  readonly #supervisors: Supervisors;
  readonly #care: RunCare;
  readonly #retention: Retention;
  readonly #trouble: TroubleLog;
  readonly #closing = new AbortController();

  constructor(options: ProcessExecutorOptions, dataDirectory: string, ownLock: ExclusiveLock | undefined) {
    const { environment, clock, log } = options;
    this.#options = options;
    this.#trouble = new TroubleLog(clock, log);
    this.#dataDirectory = dataDirectory;
    this.#runsDirectory = joinPath(dataDirectory, "runs");
    this.#ownLock = ownLock;
    this.#workingDirectory = absolutePath(options.workingDirectory ?? place().cwd);
    this.#programEnvironment = programEnvironment(environment, options.programVariables);
    this.#retention = new Retention({
      runsDirectory: this.#runsDirectory,
      keep: options.keepReleased ?? 100,
      keepMs: (options.keepReleasedDays ?? 30) * DAY_MS,
      clock,
      log,
    });
    this.#supervisors = new Supervisors({
      command: [...options.selfCommand, "exec", "--run-directory"],
      environment: supervisorEnvironment(environment, options.supervisorVariables),
      keepMs: options.keepSupervisorsMs ?? KEEP_SUPERVISORS_MS,
      clock,
    });
    this.#care = new RunCare({
      runsDirectory: this.#runsDirectory,
      supervisors: this.#supervisors,
      ...(options.onSecretReads === undefined ? {} : { onSecretReads: options.onSecretReads }),
      clock,
      log,
    });
  }

  /** Learns which runs were released before. */
  async load(): Promise<void> {
    await this.#retention.load(await this.#runIds());
  }

  async check(): Promise<ExecutorHealth> {
    try {
      await proveWritable(this.#dataDirectory);
    } catch (error) {
      return { healthy: false, message: describeError(error) };
    }
    const program = this.#options.command[0];
    if (program === undefined) return { healthy: false, message: "Cannot run anything: no ingestion command is set" };
    const searchPath = this.#programEnvironment["PATH"] ?? "";
    const found = await findProgram(program, searchPath, this.#workingDirectory);
    if (found !== undefined) return { healthy: true, message: `runs ${found}, keeps runs in ${this.#runsDirectory}` };
    return {
      healthy: false,
      message: `Cannot find the ingestion program "${program}": not in PATH, or not executable`,
    };
  }

  async list(): Promise<readonly RunReport[]> {
    const runIds = (await this.#runIds()).filter((runId) => !this.#retention.has(runId));
    const reports: RunReport[] = [];
    for (let next = 0; next < runIds.length; next += LOOKS_AT_ONCE) {
      const batch = runIds.slice(next, next + LOOKS_AT_ONCE);
      reports.push(...(await Promise.all(batch.map((runId) => this.#care.look(runId)))));
    }
    return reports;
  }

  async start(spec: RunSpec): Promise<"started" | "exists"> {
    const { clock, log } = this.#options;
    const intent = intentOf(spec, this.#options, this.#programEnvironment, this.#workingDirectory);
    const directory = this.#care.directory(spec.runId);
    try {
      if ((await fileSize(directory)) !== undefined) return "exists";
      if (!(await createRunDirectory(this.#runsDirectory, intent))) return "exists";
    } catch (error) {
      // It may have got its name before the failure: then the run exists, and what follows is told by its reports.
      const stored = await readIntent(directory).catch(() => undefined);
      if (stored?.mark !== intent.mark) throw notStored(spec.runId, error);
    }
    log.info("A run was stored", { runId: spec.runId, attempt: spec.attempt, at: clock.now() });
    await this.#care.look(spec.runId).catch((error) => this.#trouble.note(spec.runId, error));
    return "started";
  }

  async *observe(runId: string, signal: AbortSignal): AsyncIterable<RunReport> {
    const either = AbortSignal.any([signal, this.#closing.signal]);
    let told: RunReport["state"] | undefined;
    while (!either.aborted) {
      const report = await this.#tryLook(runId);
      if (report !== undefined && report.state !== told && !either.aborted) {
        told = report.state;
        yield report;
      }
      if (report !== undefined && isTerminal(report.state)) return;
      await untilNextLook(this.#care.directory(runId), this.#options.clock, either);
    }
  }

  async stop(runId: string): Promise<void> {
    if (!(await this.#exists(runId))) return;
    const report = await this.#care.look(runId);
    if (isTerminal(report.state)) return;
    await writeStop(this.#care.directory(runId), this.#options.clock.now());
    await this.#care.look(runId);
  }

  async readLog(runId: string, offset: number, limit: number): Promise<LogPiece> {
    let report = this.#care.lastSeen(runId);
    if (report === undefined) {
      if (!(await this.#exists(runId))) return { offset, text: "", nextOffset: offset, ended: true };
      // The end is looked at first: what is read after it is the whole log.
      report = await this.#care.look(runId);
    }
    const directory = this.#care.directory(runId);
    const endBytes = isTerminal(report.state)
      ? (report.log?.bytes ?? (await fileSize(outputPath(directory))) ?? 0)
      : undefined;
    return readLogPiece(directory, offset, limit, endBytes);
  }

  /** Tries until it succeeds: a run that stays unreleased would be told again at every restart. @throws the last error at `close` */
  async release(runId: string): Promise<void> {
    const { clock } = this.#options;
    for (let attempt = 0; ; attempt++) {
      try {
        await this.#release(runId);
        return this.#trouble.clear(runId);
      } catch (error) {
        if (this.#closing.signal.aborted) throw error;
        this.#trouble.note(runId, error, "A run can't be released for now");
      }
      const pauseMs = backoffDelay(attempt, RELEASE_BACKOFF, clock);
      await sleep(clock, pauseMs, this.#closing.signal).catch(() => undefined);
    }
  }

  async #release(runId: string): Promise<void> {
    if (!(await this.#exists(runId))) return this.#care.forget(runId);
    const report = await this.#care.look(runId);
    if (!isTerminal(report.state)) {
      this.#options.log.warn("A run that hasn't ended can't be released", { runId, state: report.state });
      return;
    }
    await this.#retention.release(runId);
    this.#care.forget(runId);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#retention.close();
    await this.#care.idle();
    this.#supervisors.close();
    this.#ownLock?.release();
  }

  async #runIds(): Promise<readonly string[]> {
    return (await listRunDirectories(this.#runsDirectory)).filter((name) => RUN_ID.test(name));
  }

  async #exists(runId: string): Promise<boolean> {
    return RUN_ID.test(runId) && (await fileSize(this.#care.directory(runId))) !== undefined;
  }

  /** Undefined when the look failed; the next one may succeed. */
  async #tryLook(runId: string): Promise<RunReport | undefined> {
    try {
      const report = await this.#care.look(RUN_ID.test(runId) ? runId : "no-run-id");
      this.#trouble.clear(runId);
      return report;
    } catch (error) {
      this.#trouble.note(runId, error);
      return undefined;
    }
  }
}
