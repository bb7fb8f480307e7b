import type { RunReport } from "../protocol/messages.ts";
import { addsLogEnd, isTerminal, RUN_STATES, type RunState, supersedes } from "../protocol/run-state.ts";

/** Since the start of this process, for metrics. */
export interface RunCounts {
  /** Runs made here; those found again after a restart aren't among them. */
  readonly accepted: number;
  /** Runs that ended, by state. */
  readonly ended: Readonly<Record<string, number>>;
  /** Runs that failed, by category. */
  readonly failures: ReadonlyMap<string, number>;
  /** Bytes of logs that were not sent because of the limit. */
  readonly logGapBytes: number;
}

/** Every run whose object exists, by its id: live ones, and ended ones until all of them is acknowledged. */
export class RunTable {
  readonly #reports = new Map<string, RunReport>();
  /** Those of `#reports` that have not ended; many that have may wait for a gateway that is away. */
  readonly #live = new Map<string, RunReport>();
  readonly #ended = new Map<RunState, number>();
  readonly #failures = new Map<string, number>();
  #accepted = 0;
  #logGapBytes = 0;

  get(runId: string): RunReport | undefined {
    return this.#reports.get(runId);
  }

  /** All reports, for the inventory. */
  all(): readonly RunReport[] {
    return [...this.#reports.values()];
  }

  /** Takes in a run that was accepted, or one that was found again. */
  add(report: RunReport, foundAgain = false): void {
    if (!foundAgain && !this.#reports.has(report.runId)) this.#accepted++;
    this.#set(report);
  }

  /** Takes a report if it is news. False when it isn't, or the run is not in the table. */
  advance(report: RunReport): boolean {
    const known = this.#reports.get(report.runId);
    if (known === undefined) return false;
    if (addsLogEnd(report, known)) {
      this.#set(report);
      return true;
    }
    if (!(supersedes(report, known) || waitsAnew(report, known))) return false;
    this.#set(report);
    if (isTerminal(report.state)) this.#ended.set(report.state, (this.#ended.get(report.state) ?? 0) + 1);
    const category = report.failure?.category;
    if (category !== undefined) this.#failures.set(category, (this.#failures.get(category) ?? 0) + 1);
    return true;
  }

  /** Length in bytes of the log of a run that has ended, or that it isn't known (yet); undefined while the run goes on. */
  endOfLog(runId: string): number | "unknown" | undefined {
    const report = this.#reports.get(runId);
    if (report === undefined || !isTerminal(report.state)) return undefined;
    return report.log?.bytes ?? "unknown";
  }

  /** Forgets a run whose object is released. */
  remove(runId: string): void {
    this.#reports.delete(runId);
    this.#live.delete(runId);
  }

  /** Runs that have not ended: what is there, never kept as a number (peers T17). */
  live(): readonly RunReport[] {
    return [...this.#live.values()];
  }

  /** How many have not ended. */
  get liveCount(): number {
    return this.#live.size;
  }

  isLive(runId: string): boolean {
    return this.#live.has(runId);
  }

  /** A run of this pipeline that has not ended. */
  liveRunOf(pipelineId: string): string | undefined {
    for (const report of this.#live.values()) if (report.pipelineId === pipelineId) return report.runId;
    return undefined;
  }

  /** False for a run that waits for the beginning of its first attempt: it can't have printed anything. */
  hasBegun(runId: string): boolean {
    const report = this.#reports.get(runId);
    return report === undefined || report.state !== "queued" || report.attempt > 1;
  }

  /** Of a log that was delivered, so many bytes were left out. */
  noteLogGap(bytes: number): void {
    this.#logGapBytes += bytes;
  }

  counts(): RunCounts {
    const ended = Object.fromEntries(
      RUN_STATES.filter((state) => isTerminal(state)).map((state) => [state, this.#ended.get(state) ?? 0]),
    );
    return { accepted: this.#accepted, ended, failures: this.#failures, logGapBytes: this.#logGapBytes };
  }

  #set(report: RunReport): void {
    this.#reports.set(report.runId, report);
    if (isTerminal(report.state)) this.#live.delete(report.runId);
    else this.#live.set(report.runId, report);
  }
}

/** The same state once more, but something else keeps the run from running. */
function waitsAnew(report: RunReport, known: RunReport): boolean {
  const isSame = report.attempt === known.attempt && report.state === "queued" && known.state === "queued";
  return isSame && report.waiting !== known.waiting;
}
