import { backoffDelay } from "../../base/backoff.ts";
import { type Clock, sleep } from "../../base/clock.ts";
import { type CodedError, describeError, isKind } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { RunReport } from "../../protocol/messages.ts";
import type { SecretReads } from "../../protocol/secret-reads.ts";
import { fileSize, joinPath } from "../../runtime/files.ts";
import { isAlive, type ProcessIdentity, signalProcess } from "../../runtime/process.ts";
import { EXECUTOR_ERRORS } from "../errors.ts";
import { readEnd } from "./end-record.ts";
import { endReport, type RunEnding } from "./end-report.ts";
import { type KnownRun, readFiles } from "./known-run.ts";
import { headOf, nextStep, observe, type RunFiles } from "./observation.ts";
import { closeLog } from "./output-log.ts";
import {
  END_FILE,
  endRunProcesses,
  outputPath,
  readClaim,
  readIntent,
  readLogTail,
  runExists,
  supervisorLogPath,
  takeClaim,
  takeSecretReads,
  writeEnd,
} from "./run-directory.ts";
import { RECORD_VERSION, type RunClaim } from "./run-records.ts";
import type { Supervisors } from "./supervisors.ts";
import { abandonedEnding, lost } from "./unseen-ending.ts";

/** What the care of runs stands on. */
export interface RunCareOptions {
  readonly runsDirectory: string;
  readonly supervisors: Supervisors;
  /** Told once for each run that had its secret store read, when its end is seen. */
  readonly onSecretReads?: (reads: SecretReads) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** A supervisor is started so often, as long as none has claimed the run. */
const LAUNCH_ATTEMPTS = 3;
const LAUNCH_BACKOFF = { floorMs: 200, baseMs: 500, capMs: 5000 };
/** A supervisor that waited for a run has claimed it after this long, or is stuck. */
const HAND_OVER_LIMIT_MS = 5000;
/** More steps in a row than any run needs; the rest is done at the next look. */
const STEPS_AT_ONCE = 8;
/** The pipeline of a run of which nothing is known. */
const NO_PIPELINE = "00000000-0000-0000-0000-000000000000";

/**
 * Brings every run on: looks at its files, does the next step, looks again. All that decides is on disk, so it makes no difference
 * whether this is the process that started the run. One look at a time for each run.
 */
export class RunCare {
  readonly #options: RunCareOptions;
  readonly #known = new Map<string, KnownRun>();
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
    this.#options.supervisors.dismiss(this.directory(runId));
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
        known = { head: headOf(intent), endSeen: false, signalled: false, attempts: 0, notBefore: 0 };
        this.#known.set(runId, known);
      }
      const report = await this.#bringOn(directory, known);
      if (known.end !== undefined && !known.endSeen) await this.#seeEnd(directory, known);
      return report;
    } catch (error) {
      if (!isKind(error, EXECUTOR_ERRORS.RunRecordDamaged)) throw error;
      return this.#damaged(runId, directory, known, error);
    }
  }

  async #bringOn(directory: string, known: KnownRun): Promise<RunReport> {
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
    known: KnownRun,
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

  /** Nobody has claimed the run: hands it to a supervisor that waits for one, else starts one. Whoever claims it first has it. */
  async #launch(directory: string, known: KnownRun): Promise<boolean> {
    const { clock, log, supervisors } = this.#options;
    const { launched, handedOver, head } = known;
    const overdue = handedOver !== undefined && clock.monotonic() > handedOver + HAND_OVER_LIMIT_MS;
    if (launched !== undefined && !overdue && (await isAlive(launched))) return false;
    const { workingDirectory } = head;
    const place = { directory, workingDirectory, outputFile: supervisorLogPath(directory) };
    if (launched === undefined) {
      const waiting = await supervisors.handOver(place);
      if (waiting !== undefined) {
        known.launched = waiting;
        known.handedOver = clock.monotonic();
        return false;
      }
    }
    if (clock.monotonic() < known.notBefore) return false;
    if (known.attempts >= LAUNCH_ATTEMPTS) {
      const words = (await readLogTail(directory, supervisorLogPath(directory))).slice(-10).join("\n");
      const evidence = `${known.attempts} supervisors ended before they claimed the run. ${known.launchError ?? words}`;
      await takeClaim(directory, this.#abandonment("startFailed", evidence));
      return true;
    }
    known.notBefore = clock.monotonic() + backoffDelay(known.attempts++, LAUNCH_BACKOFF, clock);
    try {
      const identity = await supervisors.start(place);
      delete known.handedOver;
      if (identity !== undefined) known.launched = identity;
    } catch (error) {
      known.launchError = `The supervisor can't be started: ${describeError(error)}`;
      log.warn("A supervisor can't be started", { runId: head.runId, error: describeError(error) });
    }
    return false;
  }

  /** The run's end is on the disk, so whoever wrote it may take another run. */
  async #seeEnd(directory: string, known: KnownRun): Promise<void> {
    const { supervisors, onSecretReads } = this.#options;
    known.endSeen = true;
    const reads = await takeSecretReads(directory).catch(() => undefined);
    if (reads !== undefined) onSecretReads?.(reads);
    if (!supervisors.has(directory)) return;
    const claim = known.claim ?? (await readClaim(directory).catch(() => undefined));
    if (claim?.who === "supervisor") supervisors.ended(directory, claim.identity);
    else supervisors.dismiss(directory);
  }

  /** Ends what is left of a run that nobody supervises any more, then writes its end. */
  async #cleanUp(directory: string, known: KnownRun, files: RunFiles, evidence: string): Promise<void> {
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
  async #gone(runId: string, known: KnownRun | undefined): Promise<RunReport> {
    this.#options.supervisors.dismiss(this.directory(runId));
    if (known !== undefined) {
      await endRunProcesses(known.head, known.program?.identity, this.#options.clock, false);
      this.#known.delete(runId);
    }
    return this.#lostReport(runId, known, "there is no run directory");
  }

  /** A record can't be read. Nothing is believed of such a run; its processes are ended as far as they are known. */
  async #damaged(runId: string, directory: string, known: KnownRun | undefined, error: CodedError): Promise<RunReport> {
    const evidence = describeError(error);
    this.#options.supervisors.dismiss(directory);
    if (known === undefined) return this.#lostReport(runId, known, evidence);
    const program = known.program === undefined ? {} : { program: known.program };
    if ((await fileSize(joinPath(directory, END_FILE))) === undefined) {
      await this.#cleanUp(directory, known, { head: known.head, ...program }, evidence);
    }
    const end = await readEnd(directory).catch(() => undefined);
    return end ?? this.#lostReport(runId, known, evidence);
  }

  #lostReport(runId: string, known: KnownRun | undefined, detail: string): RunReport {
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
