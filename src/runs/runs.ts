import type { Clock } from "../base/clock.ts";
import { counted } from "../base/counted.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Executor } from "../executor/executor.ts";
import type { Pipelines } from "../pipelines/pipelines.ts";
import type { RunReport } from "../protocol/messages.ts";
import { isTerminal } from "../protocol/run-state.ts";
import { LateStarts, type Starting } from "./late-starts.ts";
import type { KnownEnd } from "./log-part.ts";
import { followRun } from "./run.ts";
import { RunLogs } from "./run-logs.ts";
import { type RunOrder, specOf } from "./run-spec.ts";
import { RunTable } from "./run-table.ts";
import { type RunVerdict, refused, refusedFor } from "./verdict.ts";

/** What the runs of a runner stand on. */
export interface RunsOptions {
  readonly executor: Executor;
  readonly pipelines: Pick<Pipelines, "read">;
  readonly maxConcurrentRuns: number;
  readonly clock: Clock;
  readonly log: Log;
  /** Brings a report to the gateway; keeps it until it is acknowledged. */
  readonly emit: (report: RunReport) => void;
  /** There may be log to send. */
  readonly wakeLogs: () => void;
  /** Told at each look for something new in the logs, as a sign of life. */
  readonly onLogPoll?: () => void;
  /** At most so many bytes of one run's log are sent; the whole stays on site. No limit when absent. */
  readonly logLimitBytes?: number;
}

/** The runs of this runner: takes orders, follows each run to its end, forgets it when all of it is acknowledged. */
export class Runs {
  readonly table: RunTable = new RunTable();
  readonly logs: RunLogs;
  readonly #options: RunsOptions;
  readonly #stopFollowing = new AbortController();
  readonly #starting = new Map<string, Starting>();
  readonly #lateStarts: LateStarts;
  readonly #acknowledged = new Set<string>();
  /** Runs of which the executor may tell more: as long as it may tell the end of a log, that isn't unknown. */
  readonly #followed = new Set<string>();
  #draining = false;

  constructor(options: RunsOptions) {
    this.#options = options;
    this.#lateStarts = new LateStarts(options.clock);
    this.logs = new RunLogs({
      executor: options.executor,
      clock: options.clock,
      log: options.log,
      limitBytes: options.logLimitBytes ?? Number.MAX_SAFE_INTEGER,
      endOf: (runId) => this.#endOfLog(runId),
      mayHaveLog: (runId) => this.table.hasBegun(runId),
      wake: options.wakeLogs,
      ...(options.onLogPoll === undefined ? {} : { onPoll: options.onLogPoll }),
      onDelivered: (runId) => this.#releaseWhenDone(runId),
    });
  }

  /** Takes up every run whose object is there: live ones are followed, results not yet acknowledged are told again. */
  async adopt(): Promise<void> {
    for (const report of await this.#options.executor.list()) {
      this.#options.log.info("Run found again", { run: report.runId, state: report.state });
      this.#takeIn(report, true);
    }
    this.logs.start();
    void this.#takeDiscovered();
  }

  /**
   * An order to start a run; a verdict is there within 7 s. `clockOffsetMs` is the orderer's time minus ours. What a `verdict` tells
   * the gateway isn't told again; of runs that it didn't order, and of those that came about later, it learns by an `update`.
   */
  start(order: RunOrder, clockOffsetMs: number, toldBy: "verdict" | "update" = "verdict"): Promise<RunVerdict> {
    const known = this.table.get(order.runId);
    if (known !== undefined) return Promise.resolve({ outcome: "duplicate", run: known });
    const starting = this.#starting.get(order.runId) ?? this.#begin(order, clockOffsetMs, toldBy);
    return toldBy === "update" ? starting.verdict : this.#lateStarts.inTime(order.runId, starting);
  }

  /** Id of the live run of a pipeline, of which there is at most one (docs/adr/0010). */
  liveRunOf(pipelineId: string): string | undefined {
    const live = this.table.liveRunOf(pipelineId);
    if (live !== undefined) return live;
    for (const [runId, starting] of this.#starting) if (starting.pipelineId === pipelineId) return runId;
    return undefined;
  }

  /** True when a run more would find a place. */
  hasRoom(): boolean {
    return !this.#draining && this.#busyPlaces() < this.#options.maxConcurrentRuns;
  }

  /** An order to stop a run; undefined when this runner has no such run. */
  async stop(runId: string): Promise<RunVerdict | undefined> {
    await this.#starting.get(runId)?.verdict;
    const known = this.table.get(runId);
    if (known === undefined) return undefined;
    if (isTerminal(known.state)) return { outcome: "duplicate", run: known };
    try {
      await this.#options.executor.stop(runId);
      return { outcome: "accepted" };
    } catch (error) {
      this.#options.log.warn("Run can't be stopped for now", { run: runId, error });
      return refusedFor(error);
    }
  }

  /** Stops every live run of a pipeline. */
  async stopAll(pipelineId: string): Promise<RunVerdict> {
    const live = this.table.live().filter((report) => report.pipelineId === pipelineId);
    const verdicts = await Promise.all(live.map((report) => this.stop(report.runId)));
    return verdicts.find((verdict) => verdict?.outcome === "refused") ?? { outcome: "accepted" };
  }

  /** The gateway has this report durably. */
  acknowledged(report: RunReport): void {
    if (!isTerminal(report.state)) return;
    this.#acknowledged.add(report.runId);
    this.#releaseWhenDone(report.runId);
  }

  /** From now on no new run is accepted. */
  drain(): void {
    this.#draining = true;
  }

  /** Stops following; the runs go on. */
  close(): void {
    this.logs.stop();
    this.#stopFollowing.abort();
  }

  #begin(order: RunOrder, clockOffsetMs: number, toldBy: "verdict" | "update"): Starting {
    const refusal = this.#lateStarts.takeRefusal(order.runId);
    const isToldByUpdate = (): boolean => toldBy === "update" || starting.isLate;
    const work = refusal === undefined ? this.#start(order, clockOffsetMs, isToldByUpdate) : Promise.resolve(refusal);
    const verdict = work.finally(() => this.#starting.delete(order.runId));
    const starting: Starting = { pipelineId: order.pipelineId, verdict, isLate: false };
    this.#starting.set(order.runId, starting);
    return starting;
  }

  async #start(order: RunOrder, clockOffsetMs: number, isToldByUpdate: () => boolean): Promise<RunVerdict> {
    const { clock, executor, maxConcurrentRuns, pipelines } = this.#options;
    if (this.#draining)
      return refused(
        "draining",
        "Cannot start the run: the runner is shutting down",
        "Offer it again at the next connection",
      );
    const startBefore = order.startBefore - clockOffsetMs;
    if (clock.now() > startBefore)
      return refused("tooLate", "Cannot start the run: its time to start is over", "Start a new run");
    const live = this.liveRunOf(order.pipelineId);
    if (live !== undefined)
      return refused(
        "full",
        `Cannot start the run: run ${live} of its pipeline is live, and runs of one pipeline don't overlap`,
        "Offer it again when that run has ended, or stop that run",
      );
    if (this.#busyPlaces() >= maxConcurrentRuns) {
      return refused(
        "full",
        `Cannot start the run: ${counted(maxConcurrentRuns, "run")} ${maxConcurrentRuns === 1 ? "is" : "are"} live`,
        "Offer it again when a run has ended, or raise MAX_CONCURRENT_RUNS",
      );
    }
    try {
      const pipeline = await pipelines.read(order.pipelineId);
      if (pipeline === undefined)
        return refused(
          "unknownPipeline",
          "Cannot start the run: its pipeline is not deployed here",
          "Deploy the pipeline first",
        );
      if (pipeline.generation < order.generation) {
        return refused(
          "staleGeneration",
          `Cannot start the run: generation ${pipeline.generation} is deployed, not ${order.generation}`,
          "Deploy the newer generation first",
        );
      }
      const answer = await executor.start(specOf(pipeline, order, startBefore));
      if (answer === "exists") return await this.#meet(order);
    } catch (error) {
      this.#options.log.error("Run refused", { run: order.runId, error });
      return refusedFor(error);
    }
    const report: RunReport = {
      runId: order.runId,
      pipelineId: order.pipelineId,
      attempt: order.attempt,
      state: "queued",
    };
    // Where a verdict gets lost, the inventory of the next session tells of the run.
    if (isToldByUpdate()) this.#takeIn(report);
    else this.#takeUp(report);
    return { outcome: "accepted", run: report };
  }

  /** Runs that the cluster's own schedules start are followed like all others; they need no place and no order. */
  async #takeDiscovered(): Promise<void> {
    const { executor, log } = this.#options;
    try {
      for await (const report of executor.discover?.(this.#stopFollowing.signal) ?? []) {
        if (this.table.get(report.runId) !== undefined) continue;
        log.info("Run discovered", { run: report.runId, state: report.state });
        this.#takeIn(report);
      }
    } catch (error) {
      if (!this.#stopFollowing.signal.aborted) log.error("Runs of schedules can't be discovered any more", { error });
    }
  }

  /** The object is there already, from before the run was released: its own state is the answer. */
  async #meet(order: RunOrder): Promise<RunVerdict> {
    for await (const report of this.#options.executor.observe(order.runId, this.#stopFollowing.signal)) {
      this.#takeIn(report, true);
      return { outcome: "duplicate", run: report };
    }
    return refused("storage", "Cannot start the run: its object exists but tells no state", "See the runner's log");
  }

  /** Live runs and those being started; counted anew each time, so that no place can leak. */
  #busyPlaces(): number {
    let busy = this.table.liveCount;
    for (const runId of this.#starting.keys()) if (!this.table.isLive(runId)) busy++;
    return busy;
  }

  #takeIn(report: RunReport, foundAgain = false): void {
    this.#takeUp(report, foundAgain, this.#options.emit);
  }

  /** Follows a run whose state now is told with `tell`, or was told in another way. */
  #takeUp(report: RunReport, foundAgain = false, tell: (report: RunReport) => void = () => undefined): void {
    this.table.add(report, foundAgain);
    this.logs.add(report.runId);
    tell(report);
    if (!isTerminal(report.state) || report.log === undefined) void this.#follow(report.runId);
  }

  async #follow(runId: string): Promise<void> {
    const { executor, emit, log } = this.#options;
    const tell = (report: RunReport): void => {
      // What is told later is acknowledged later.
      this.#acknowledged.delete(runId);
      emit(report);
    };
    this.#followed.add(runId);
    await followRun(runId, { executor, table: this.table, emit: tell, log }, this.#stopFollowing.signal);
    if (this.#stopFollowing.signal.aborted) return;
    this.#followed.delete(runId);
    this.#releaseWhenDone(runId);
  }

  #endOfLog(runId: string): KnownEnd {
    const end = this.table.endOfLog(runId);
    return end === "unknown" && this.#followed.has(runId) ? undefined : end;
  }

  /** What the limit kept back of a log that is delivered. */
  #noteLogGap(runId: string): void {
    const end = this.table.endOfLog(runId);
    const { logLimitBytes } = this.#options;
    if (typeof end === "number" && logLimitBytes !== undefined) this.table.noteLogGap(Math.max(0, end - logLimitBytes));
  }

  /** Nothing is forgotten before both its terminal state and its log are acknowledged (design §2.4). */
  #releaseWhenDone(runId: string): void {
    if (this.#followed.has(runId) || !this.#acknowledged.has(runId) || !this.logs.isDelivered(runId)) return;
    this.#acknowledged.delete(runId);
    this.#noteLogGap(runId);
    this.logs.remove(runId);
    this.#options.executor.release(runId).then(
      () => this.table.remove(runId),
      (error) =>
        this.#options.log.warn("Run can't be released; it is tried again after a restart", {
          run: runId,
          error: describeError(error),
        }),
    );
  }
}
