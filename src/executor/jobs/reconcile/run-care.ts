import { backoffDelay } from "../../../base/backoff.ts";
import { clip } from "../../../base/clip.ts";
import type { Clock } from "../../../base/clock.ts";
import { describeError } from "../../../base/errors.ts";
import type { Log } from "../../../base/log.ts";
import type { RunReport } from "../../../protocol/messages.ts";
import { isTerminal } from "../../../protocol/run-state.ts";
import { isRefusal } from "../../pods/explain-refusal.ts";
import type { LivePipelines } from "../../pods/reports/live-pipelines.ts";
import { isScheduled } from "./give-way.ts";
import { type CaredRun, RunSteps, type RunStepsOptions } from "./run-step.ts";

/** What the care of all runs stands on. */
export interface RunCareOptions extends Omit<RunStepsOptions, "isClosed" | "tell" | "lookLater"> {
  readonly clock: Clock;
  readonly log: Log;
  /** Kept here: a run that is told of for the first time has the others of its pipeline looked at. */
  readonly live: LivePipelines;
  /** A run has a report, or another one. */
  readonly onReport: (report: RunReport) => void;
}

const LONG_LOOK_MS = 30_000;
const TROUBLE_BACKOFF = { floorMs: 500, baseMs: 1000, capMs: 30_000 };

/** Keeps what is known of each run in step with what the cluster shows, and does what follows from it. Level-triggered. */
export class RunCare {
  readonly #options: RunCareOptions;
  readonly #steps: RunSteps;
  readonly #runs = new Map<string, CaredRun>();
  readonly #unsettled = new Set<string>();
  readonly #settled = Promise.withResolvers<void>();
  #open = false;
  #closed = false;

  constructor(options: RunCareOptions) {
    this.#options = options;
    this.#steps = new RunSteps({
      ...options,
      isClosed: () => this.#closed,
      tell: (run, report) => this.#tell(run, report),
      lookLater: (runId, run, delayMs) => this.#lookLater(runId, run, delayMs),
    });
  }

  /** Everything is listed for the first time: from now on absence means something. */
  open(): void {
    this.#open = true;
    for (const runId of this.#options.view.runIds()) this.#unsettled.add(runId);
    const found = [...this.#unsettled];
    // First those that others give way to.
    for (const runId of found) if (!isScheduled(this.#options.view.attempts(runId))) this.wake(runId);
    for (const runId of found) if (isScheduled(this.#options.view.attempts(runId))) this.wake(runId);
    this.#settle("");
  }

  /** True when everything is listed, so that absence means something. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Something of this run has changed, or may have. */
  wake(runId: string): void {
    if (!this.#open || this.#closed) return;
    const run = this.#run(runId);
    run.dirty = true;
    if (run.busy) return;
    run.busy = true;
    void this.#look(runId, run);
  }

  /** What was told of the run last. */
  report(runId: string): RunReport | undefined {
    return this.#runs.get(runId)?.report;
  }

  /** Every run that something was told of and whose end isn't acknowledged. */
  reports(): readonly RunReport[] {
    const { view } = this.#options;
    return [...this.#runs.values()].flatMap(({ report }) =>
      report === undefined || view.isReleased(report.runId) ? [] : [report],
    );
  }

  /** Resolves when every run that was known at the opening has a state. */
  get settled(): Promise<void> {
    return this.#settled.promise;
  }

  /** The cluster has refused to stop this run; or it has taken the stop, when there is no error. */
  noteStop(runId: string, error?: unknown): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    if (error !== undefined) this.#noteRefusal(run, "stop", error);
    else if (run.refused.stop !== undefined) {
      delete run.refused.stop;
      this.wake(runId);
    }
  }

  /** Calls `listener` at each new report until the answer is called. */
  watch(runId: string, listener: () => void): () => void {
    const run = this.#run(runId);
    // Not `push`, which makes room for sixteen more.
    run.watchers = run.watchers.concat(listener);
    return () => {
      run.watchers = run.watchers.filter((other) => other !== listener);
      this.#forgetIdle(runId, run);
    };
  }

  /** The run's end is acknowledged: nothing more is kept of it. */
  forget(runId: string): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    cancelLook(run);
    run.report = undefined;
    this.#forgetIdle(runId, run);
  }

  close(): void {
    this.#closed = true;
    this.#settled.resolve();
    for (const run of this.#runs.values()) {
      cancelLook(run);
      for (const listener of run.watchers) listener();
    }
  }

  #run(runId: string): CaredRun {
    const known = this.#runs.get(runId);
    if (known !== undefined) return known;
    const run: CaredRun = {
      report: undefined,
      busy: false,
      dirty: false,
      troubles: 0,
      refused: {},
      nextLook: undefined,
      done: new Set(),
      eventsReadAt: 0,
      watchers: [],
    };
    this.#runs.set(runId, run);
    return run;
  }

  #settle(runId: string): void {
    this.#unsettled.delete(runId);
    if (this.#unsettled.size === 0) this.#settled.resolve();
  }

  #forgetIdle(runId: string, run: CaredRun): void {
    const isKept = run.report !== undefined || run.watchers.length > 0 || run.busy;
    if (!isKept && this.#runs.get(runId) === run) this.#runs.delete(runId);
  }

  async #look(runId: string, run: CaredRun): Promise<void> {
    const { clock, log } = this.#options;
    try {
      while (run.dirty && !this.#closed) {
        run.dirty = false;
        cancelLook(run);
        await this.#steps.step(runId, run);
        run.troubles = 0;
        // One more look tells it without that.
        if (run.refused.step !== undefined) run.dirty = true;
        delete run.refused.step;
      }
    } catch (error) {
      const delayMs = backoffDelay(run.troubles++, TROUBLE_BACKOFF, clock);
      log.warn("A run can't be looked after for now", { run: runId, error: describeError(error) });
      if (isRefusal(error)) this.#noteRefusal(run, "step", error);
      this.#lookLater(runId, run, delayMs);
    } finally {
      run.busy = false;
      this.#settle(runId);
      this.#forgetIdle(runId, run);
    }
    if (run.dirty) this.wake(runId);
  }

  #noteRefusal(run: CaredRun, what: keyof CaredRun["refused"], error: unknown): void {
    run.refused[what] = describeError(error);
    if (run.report !== undefined) this.#tell(run, run.report);
  }

  #tell(run: CaredRun, found: RunReport): void {
    const told = run.report;
    const refusal = run.refused.stop ?? run.refused.step;
    const isHindered = found.state === "queued" && refusal !== undefined;
    const report = isHindered ? { ...found, waiting: clip(refusal, 500) } : found;
    const isNews =
      told === undefined ||
      told.state !== report.state ||
      told.attempt !== report.attempt ||
      told.waiting !== report.waiting ||
      isTerminal(report.state);
    if (!isNews) return;
    run.report = report;
    for (const other of this.#options.live.note(report)) this.wake(other);
    this.#options.onReport(report);
    for (const listener of run.watchers) listener();
    this.#settle(report.runId);
  }

  #lookLater(runId: string, run: CaredRun, delayMs: number): void {
    const { clock } = this.#options;
    const exact = Math.min(Math.max(delayMs, 10), 3_600_000);
    // Timers of the same length share a list, so thousands of long ones shouldn't each have a length of their own.
    const wait = exact < LONG_LOOK_MS ? exact : 1000 * Math.ceil(exact / 1000);
    const at = clock.monotonic() + wait;
    if (run.nextLook !== undefined && run.nextLook.at <= at) return;
    run.nextLook?.cancel();
    const look = (): void => {
      run.nextLook = undefined;
      this.wake(runId);
    };
    run.nextLook = { at, cancel: clock.schedule(wait, look, { unref: true }) };
  }
}

function cancelLook(run: CaredRun): void {
  run.nextLook?.cancel();
  run.nextLook = undefined;
}
