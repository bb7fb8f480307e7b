import { backoffDelay } from "../../base/backoff.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import { type CodedError, describeError, isKind } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { RunReport } from "../../protocol/messages.ts";
import { fileSize, joinPath } from "../../runtime/files.ts";
import { isAlive, type ProcessIdentity, processIdentity, signalProcess, startDetached } from "../../runtime/process.ts";
import { EXECUTOR_ERRORS } from "../errors.ts";
import { readEnd } from "./end-record.ts";
import { endReport, type RunEnding } from "./end-report.ts";
import { headOf, nextStep, observe, type RunFiles, type RunHead } from "./observation.ts";
import { closeLog } from "./output-log.ts";
import {
  endRunProcesses,
  outputPath,
  readClaim,
  readIntent,
  readLogTail,
  readProgram,
  readStop,
  runExists,
  supervisorLogPath,
  takeClaim,
  writeEnd,
} from "./run-directory.ts";
import { RECORD_VERSION, type RunClaim } from "./run-records.ts";
import { abandonedEnding, lost } from "./unseen-ending.ts";

/** What the care of runs stands on. */
export interface RunCareOptions {
  readonly runsDirectory: string;
  /** Starts a supervisor, but for the run's directory, which is added. */
  readonly supervisorCommand: readonly string[];
  readonly supervisorEnvironment: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly log: Log;
}

/** A supervisor is started so often, as long as none has claimed the run. */
const LAUNCH_ATTEMPTS = 3;
const LAUNCH_BACKOFF = { floorMs: 200, baseMs: 500, capMs: 5000 };
/** More steps in a row than any run needs; the rest is done at the next look. */
const STEPS_AT_ONCE = 8;
/** The pipeline of a run of which nothing is known. */
const NO_PIPELINE = "00000000-0000-0000-0000-000000000000";

/** What is kept in memory of a run: only what never changes, and what this process has done about it. */
interface Known {
  head: RunHead;
  claim?: Extract<RunFiles["claim"], object>;
  program?: Extract<RunFiles["program"], object>;
  end?: RunReport;
  signalled: boolean;
  attempts: number;
  launched?: ProcessIdentity;
  launchError?: string;
  /** On the monotonic clock. */
  notBefore: number;
}

/**
 * Brings every run on: looks at its files, does the next step, looks again. All that decides is on disk, so it makes no difference
 * whether this is the process that started the run. One look at a time for each run.
 */
export class RunCare {
  readonly #options: RunCareOptions;
  readonly #known = new Map<string, Known>();
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(options: RunCareOptions) {
    this.#options = options;
  }

  /** Where a run's files are. */
  directory(runId: string): string {
    return joinPath(this.#options.runsDirectory, runId);
  }

  /** Does what is due for a run and tells its state. A run without a directory, or with unreadable files, is `failed (Lost)`. */
  look(runId: string): Promise<RunReport> {
    const turn = (this.#turns.get(runId) ?? Promise.resolve()).then(() => this.#look(runId));
    const settled = turn
      .catch(() => undefined)
      .finally(() => {
        if (this.#turns.get(runId) === settled) this.#turns.delete(runId);
      });
    this.#turns.set(runId, settled);
    return turn;
  }

  /** What the last look found, without looking; undefined for a run that wasn't looked at. It may have ended since. */
  lastSeen(runId: string): RunReport | undefined {
    const known = this.#known.get(runId);
    return known === undefined ? undefined : observe(known);
  }

  /** Forgets what is kept in memory of a run. */
  forget(runId: string): void {
    this.#known.delete(runId);
  }

  /** Resolves when no look is going on. */
  async idle(): Promise<void> {
    await Promise.all(this.#turns.values());
  }

  async #look(runId: string): Promise<RunReport> {
    const directory = this.directory(runId);
    let known = this.#known.get(runId);
    try {
      if (!(await runExists(directory))) return await this.#gone(runId, known);
      if (known === undefined) {
        const intent = await readIntent(directory);
        if (intent === undefined) return await this.#gone(runId, known);
        known = { head: headOf(intent), signalled: false, attempts: 0, notBefore: 0 };
        this.#known.set(runId, known);
      }
      return await this.#bringOn(directory, known);
    } catch (error) {
      if (!isKind(error, EXECUTOR_ERRORS.RunRecordDamaged)) throw error;
      return this.#damaged(runId, directory, known, error);
    }
  }

  async #bringOn(directory: string, known: Known): Promise<RunReport> {
    for (let step = 0; step < STEPS_AT_ONCE; step++) {
      let files = await readFiles(directory, known);
      const supervisor = files.claim?.who === "supervisor" ? files.claim.identity : undefined;
      const alive = supervisor !== undefined && (await isAlive(supervisor));
      // Its last act may have been to write the end.
      if (supervisor !== undefined && !alive) files = await readFiles(directory, known);
      const next = nextStep(files, alive, this.#options.clock.now(), known.signalled);
      if (next === "none" || !(await this.#act(next, directory, known, files, supervisor))) return observe(files);
    }
    return observe(await readFiles(directory, known));
  }

  /** Does one step; true when it is worth looking again at once. */
  async #act(
    step: Exclude<ReturnType<typeof nextStep>, "none">,
    directory: string,
    known: Known,
    files: RunFiles,
    supervisor: ProcessIdentity | undefined,
  ): Promise<boolean> {
    const { clock, log } = this.#options;
    switch (step) {
      case "launch":
        return this.#launch(directory, known);
      case "abandon": {
        const why = files.stop === undefined ? "startTimeout" : "stopped";
        await takeClaim(directory, this.#abandonment(why, "no supervisor had claimed the run"));
        return true;
      }
      case "close":
        if (files.claim?.who !== "abandoned") return false;
        await writeEnd(
          directory,
          known.head,
          abandonedEnding(files.claim, clock.now()),
          await this.#closeLog(directory),
        );
        return true;
      case "signal":
        known.signalled = true;
        if (supervisor !== undefined) await signalProcess(supervisor, "SIGTERM");
        return false;
      case "force":
        log.warn("A supervisor didn't stop its run in time and is killed", { runId: known.head.runId });
        if (supervisor !== undefined) await signalProcess(supervisor, "SIGKILL");
        await sleep(clock, 100);
        return true;
      case "cleanUp":
        await this.#cleanUp(
          directory,
          known,
          files,
          `its supervisor, process ${supervisor?.pid}, died without writing an end`,
        );
        return true;
    }
  }

  async #launch(directory: string, known: Known): Promise<boolean> {
    const { clock, log } = this.#options;
    if (known.launched !== undefined && (await isAlive(known.launched))) return false;
    if (clock.monotonic() < known.notBefore) return false;
    if (known.attempts >= LAUNCH_ATTEMPTS) {
      const words = (await readLogTail(directory, supervisorLogPath(directory))).slice(-10).join("\n");
      const evidence = `${known.attempts} supervisors ended before they claimed the run. ${known.launchError ?? words}`;
      await takeClaim(directory, this.#abandonment("startFailed", evidence));
      return true;
    }
    known.notBefore = clock.monotonic() + backoffDelay(known.attempts++, LAUNCH_BACKOFF, clock);
    const [command = "", ...args] = this.#options.supervisorCommand;
    try {
      const { pid } = await startDetached({
        command,
        args: [...args, directory],
        env: this.#options.supervisorEnvironment,
        cwd: known.head.workingDirectory,
        outputFile: supervisorLogPath(directory),
      });
      const identity = await processIdentity(pid);
      if (identity !== undefined) known.launched = identity;
    } catch (error) {
      known.launchError = `${command} can't be started: ${describeError(error)}`;
      log.warn("A supervisor can't be started", { runId: known.head.runId, error: describeError(error) });
    }
    return false;
  }

  /** Ends what is left of a run that nobody supervises any more, then writes its end. */
  async #cleanUp(directory: string, known: Known, files: RunFiles, evidence: string): Promise<void> {
    const { clock, log } = this.#options;
    const { found, survivors } = await endRunProcesses(known.head, files.program?.identity, clock, false);
    const facts = `${evidence}; processes of the run that were still there and were ended: ${found - survivors}`;
    const detail = survivors === 0 ? facts : `${facts}; that could not be ended: ${survivors}`;
    const startedAt = files.program === undefined ? {} : { startedAt: files.program.startedAt };
    const ending: RunEnding =
      files.stop === undefined
        ? { state: "failed", proof: detail, ...startedAt, endedAt: clock.now(), failure: lost(detail) }
        : { state: "stopped", proof: `the run was told to stop; ${detail}`, ...startedAt, endedAt: clock.now() };
    log.warn("A run without a supervisor was ended", {
      runId: known.head.runId,
      state: ending.state,
      evidence: detail,
    });
    await writeEnd(directory, known.head, ending, await this.#closeLog(directory));
  }

  async #closeLog(directory: string): ReturnType<typeof closeLog> {
    return closeLog(outputPath(directory));
  }

  /** The directory is gone. What this process still knows of the run is enough to end its processes. */
  async #gone(runId: string, known: Known | undefined): Promise<RunReport> {
    if (known !== undefined) {
      await endRunProcesses(known.head, known.program?.identity, this.#options.clock, false);
      this.#known.delete(runId);
    }
    return this.#lostReport(runId, known, "there is no run directory");
  }

  /** A record can't be read. Nothing is believed of such a run; its processes are ended as far as they are known. */
  async #damaged(runId: string, directory: string, known: Known | undefined, error: CodedError): Promise<RunReport> {
    const evidence = describeError(error);
    if (known === undefined) return this.#lostReport(runId, known, evidence);
    const program = known.program === undefined ? {} : { program: known.program };
    if ((await fileSize(joinPath(directory, "end.json"))) === undefined) {
      await this.#cleanUp(directory, known, { head: known.head, ...program }, evidence);
    }
    const end = await readEnd(directory).catch(() => undefined);
    return end ?? this.#lostReport(runId, known, evidence);
  }

  #lostReport(runId: string, known: Known | undefined, detail: string): RunReport {
    const key = known?.head ?? { runId, pipelineId: NO_PIPELINE, attempt: 1 };
    const ending: RunEnding = {
      state: "failed",
      proof: detail,
      endedAt: this.#options.clock.now(),
      failure: lost(detail),
    };
    const { log: _, ...report } = endReport(key, ending, { bytes: 0, sha256: "" }, []);
    return report;
  }

  #abandonment(why: Extract<RunClaim, { who: "abandoned" }>["why"], evidence: string): RunClaim {
    return { version: RECORD_VERSION, who: "abandoned", at: this.#options.clock.now(), why, evidence };
  }
}

/** Claim, program and end never change once they are there, so each is read until it is. The end comes first: it is written last. */
async function readFiles(directory: string, known: Known): Promise<RunFiles> {
  const end = known.end ?? (await readEnd(directory));
  if (end !== undefined) {
    known.end = end;
    return { head: known.head, end };
  }
  const stop = await readStop(directory);
  const program = known.program ?? (await readProgram(directory));
  const claim = known.claim ?? (await readClaim(directory));
  if (program !== undefined) known.program = program;
  if (claim !== undefined) known.claim = claim;
  return {
    head: known.head,
    ...(claim === undefined ? {} : { claim }),
    ...(program === undefined ? {} : { program }),
    ...(stop === undefined ? {} : { stop }),
  };
}
