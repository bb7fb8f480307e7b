import { backoffDelay } from "../../base/backoff.ts";
import { sleep } from "../../base/clock.ts";
import { describeError, isKind } from "../../base/errors.ts";
import { KeyedQueue } from "../../base/keyed-queue.ts";
import { FAILURE_CATEGORIES } from "../../protocol/failure-category.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import type { Executor, ExecutorHealth, LogPiece, RunReport, RunSpec } from "../executor.ts";
import { imageHealth } from "../pods/images/image-health.ts";
import type { PodLogs } from "../pods/logs/pod-logs.ts";
import type { KubernetesExecutorOptions } from "../pods/options.ts";
import { Discoveries } from "../pods/reports/discoveries.ts";
import { LivePipelines } from "../pods/reports/live-pipelines.ts";
import { RunEndings } from "../pods/reports/run-endings.ts";
import { RIGHTS_ERRORS } from "../pods/rights/errors.ts";
import type { KeptRights } from "../pods/rights/kept-rights.ts";
import { Turns } from "../pods/turns.ts";
import type { ClusterSide } from "./cluster-side.ts";
import type { KubernetesDeployments } from "./deployments/deployments.ts";
import { JobWrites } from "./job-writes.ts";
import type { Manifest } from "./manifests/manifest.ts";
import { ClusterView } from "./reconcile/cluster-view.ts";
import { GiveWay, isScheduled } from "./reconcile/give-way.ts";
import { RunCare } from "./reconcile/run-care.ts";
import { RunStarts } from "./reconcile/run-starts.ts";
import { RunWork } from "./reconcile/run-work.ts";

/** Everything that the executor is put together from. */
export interface KubernetesExecutorParts {
  readonly options: KubernetesExecutorOptions;
  readonly rights: KeptRights;
  readonly manifest: Manifest;
  readonly deployments: KubernetesDeployments;
  readonly logs: PodLogs;
  readonly side: ClusterSide;
}

const RELEASES_AT_ONCE = 8;
const RELEASE_BACKOFF = { floorMs: 500, baseMs: 1000, capMs: 30_000 };
const RUN_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Runs as Jobs of a cluster; `createKubernetesExecutor` opens one. */
export class KubernetesExecutor implements Executor {
  readonly kind = "simpleK8s";
  readonly deployments: KubernetesDeployments;
  readonly #parts: KubernetesExecutorParts;
  readonly #view: ClusterView;
  readonly #care: RunCare;
  readonly #work: RunWork;
  readonly #starts: RunStarts;
  readonly #queue = new KeyedQueue();
  readonly #releases = new Turns(RELEASES_AT_ONCE);
  readonly #discoveries = new Discoveries();
  readonly #closing = new AbortController();
  readonly #opened: Promise<void>;

  constructor(parts: KubernetesExecutorParts) {
    const { options, rights, side, logs } = parts;
    const { clock, log, startTimeoutMs, isStandby = () => false } = options;
    this.#parts = parts;
    this.deployments = parts.deployments;
    this.#view = new ClusterView({
      jobs: side.jobs,
      pods: side.pods,
      ...(side.events === undefined ? {} : { events: side.events }),
      now: () => this.#starts.clusterNow(),
      onChange: (runId) => this.#care.wake(runId),
    });
    this.#starts = new RunStarts({ options, manifest: parts.manifest, view: this.#view });
    this.#work = new RunWork({ options, rights, view: this.#view, queue: this.#queue, starts: this.#starts });
    const live = new LivePipelines();
    const { onFire = () => undefined } = options;
    const now = (): number => this.#starts.clusterNow();
    const giveWay = new GiveWay({
      live,
      writes: new JobWrites(options.api, options.namespace),
      isStandby,
      now,
      drop: (runId) => this.#view.release(runId),
      onSkipped: () => onFire("skipped"),
      log,
    });
    this.#care = new RunCare({
      live,
      giveWay,
      view: this.#view,
      deeds: this.#work,
      endings: new RunEndings({
        logs,
        readEvents: (attempt) => this.#work.eventsOf(attempt),
        ...eventsMissing(rights),
      }),
      startTimeoutMs,
      isStandby,
      ...(options.onSecretReads === undefined ? {} : { onSecretReads: options.onSecretReads }),
      now,
      clock,
      log,
      onReport: (report) => this.#onReport(report),
    });
    this.#opened = side
      .ready(this.#closing.signal)
      .then(() => this.#work.adoptOrphans())
      .then(() => this.#care.open());
    this.#opened.catch(() => undefined);
  }

  async check(): Promise<ExecutorHealth> {
    const { options, rights, side, manifest } = this.#parts;
    const place = `pods in namespace ${options.namespace} of ${options.api.server}`;
    if (!rights.canRun) return { healthy: false, message: `Cannot run ${place}: ${rights.message()}` };
    const silence = side.silence();
    if (silence !== undefined) return { healthy: false, message: `Cannot follow ${place}: ${silence}` };
    const images = imageHealth(manifest);
    const told = (...texts: readonly (string | undefined)[]): string =>
      [...texts, this.deployments.message()].filter(Boolean).join(". ");
    if (images?.refusesAll) return { healthy: false, message: told(`Cannot run ${place}: ${images.message}`) };
    return { healthy: true, message: told(`runs ${place}`, rights.message(), images?.message) };
  }

  async list(): Promise<readonly RunReport[]> {
    await this.#opened;
    await this.#care.settled;
    const reports = this.#care.reports();
    for (const { runId } of reports) this.#discoveries.known(runId);
    return reports;
  }

  start(spec: RunSpec): Promise<"started" | "exists"> {
    return this.#queue.run(spec.runId, async () => {
      try {
        const answer = await this.#starts.start(spec);
        this.#care.wake(spec.runId);
        return answer;
      } catch (error) {
        if (isKind(error, RIGHTS_ERRORS.RightMissing)) this.#parts.rights.suspect();
        if (this.#view.isReleased(spec.runId)) this.#care.forget(spec.runId);
        throw error;
      }
    });
  }

  async *observe(runId: string, signal: AbortSignal): AsyncIterable<RunReport> {
    // Not AbortSignal.any, of which ten thousand live runs would keep a kilobyte each: closing wakes all watchers as it is.
    const isOver = (): boolean => signal.aborted || this.#closing.signal.aborted;
    let wake: () => void = () => undefined;
    const onAbort = (): void => wake();
    signal.addEventListener("abort", onAbort, { once: true });
    const unwatch = this.#care.watch(runId, () => wake());
    try {
      await this.#opened.catch(() => undefined);
      this.#care.wake(runId);
      let told: RunReport | undefined;
      while (!isOver()) {
        const changed = new Promise<void>((resolve) => {
          wake = resolve;
        });
        const report = this.#care.report(runId) ?? (this.#isKnown(runId) ? undefined : unknownRun(runId));
        if (report !== undefined && report !== told) {
          told = report;
          yield report;
        }
        if (told !== undefined && isTerminal(told.state)) {
          const whole = await Promise.race([this.#logOf(told), changed.then(() => undefined)]);
          if (whole !== undefined) yield whole;
          return;
        }
        if (this.#care.report(runId) === told && !isOver()) await changed;
      }
    } finally {
      unwatch();
      signal.removeEventListener("abort", onAbort);
    }
  }

  async stop(runId: string): Promise<void> {
    await this.#opened;
    await this.#queue.run(runId, async () => {
      const report = this.#care.report(runId);
      if (report !== undefined && isTerminal(report.state)) return;
      try {
        await this.#work.stop(runId);
        this.#care.noteStop(runId);
      } catch (error) {
        this.#care.noteStop(runId, error);
        throw error;
      }
    });
  }

  async readLog(runId: string, offset: number, limit: number): Promise<LogPiece> {
    const piece = await this.#parts.logs.read(runId, offset, limit);
    // A run that isn't there will never print anything.
    const isUnknown = this.#care.isOpen && piece.text === "" && !this.#isKnown(runId);
    return isUnknown ? { ...piece, ended: true } : piece;
  }

  /** Tries until it succeeds: a run that stays unacknowledged would be told again at every restart. @throws the last error at `close` */
  async release(runId: string): Promise<void> {
    const { clock, log } = this.#parts.options;
    await this.#opened;
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#releases.take(() => this.#queue.run(runId, () => this.#release(runId)));
      } catch (error) {
        if (this.#closing.signal.aborted) throw error;
        log.warn("A run can't be released for now", { run: runId, error: describeError(error) });
      }
      await sleep(clock, backoffDelay(attempt, RELEASE_BACKOFF, clock), this.#closing.signal).catch(() => undefined);
    }
  }

  async *discover(signal: AbortSignal): AsyncIterable<RunReport> {
    for await (const report of this.#discoveries.read(AbortSignal.any([signal, this.#closing.signal]))) {
      this.#parts.options.onFire?.("started");
      yield report;
    }
  }

  async close(): Promise<void> {
    const { rights, side, logs } = this.#parts;
    this.#closing.abort();
    this.#care.close();
    this.#view.close();
    await Promise.all([rights.close(), side.close(), logs.close()]);
  }

  async #release(runId: string): Promise<void> {
    const { logs, options } = this.#parts;
    const report = this.#care.report(runId);
    const isDone = this.#view.isReleased(runId) || !this.#isKnown(runId);
    if (!isDone && (report === undefined || !isTerminal(report.state))) {
      options.log.warn("A run that hasn't ended can't be released", { run: runId, state: report?.state ?? "unknown" });
      return;
    }
    if (!isDone) await this.#work.release(runId, report?.state === "stopped");
    await logs.release(runId);
    this.#view.release(runId);
    this.#care.forget(runId);
    this.#discoveries.forget(runId);
  }

  #onReport(report: RunReport): void {
    const isOrdered = this.#isOrdered(report.runId);
    this.#discoveries.note(report, isOrdered);
    // Its pod waits where the configuration of its pipeline has gone.
    if (!isOrdered && report.state === "queued") this.deployments.look(report.pipelineId);
  }

  /** The report with the length and hash of its log, which may have been read late; undefined when it has them, or they can't be known. */
  async #logOf(report: RunReport): Promise<RunReport | undefined> {
    if (report.log !== undefined) return undefined;
    const log = await this.#parts.logs.ended(report.runId);
    return log === undefined ? undefined : { ...report, log };
  }

  #isKnown(runId: string): boolean {
    return RUN_ID.test(runId) && this.#view.has(runId);
  }

  /** True for a run that was ordered here; those of the cluster's schedules have no label of their run. */
  #isOrdered(runId: string): boolean {
    return this.#view.isReleased(runId) || !isScheduled(this.#view.attempts(runId));
  }
}

function eventsMissing(rights: KeptRights): { readonly eventsMissing?: string } {
  return rights.readsEvents ? {} : { eventsMissing: "no events: the runner has no right to list events" };
}

function unknownRun(runId: string): RunReport {
  return {
    runId,
    pipelineId: runId,
    attempt: 1,
    state: "failed",
    failure: {
      category: "Lost",
      summary: "the cluster has no Job of this run",
      detail: "no Job carries the run's label; it was never made here, or was removed since",
      advice: FAILURE_CATEGORIES.Lost,
      logTail: [],
    },
  };
}
