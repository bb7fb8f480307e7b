import type { RunReport } from "../protocol/messages.ts";
import { isTerminal, RUN_STATES, type RunState, supersedes } from "../protocol/run-state.ts";

/** Every run whose object exists, by its id: live ones, and ended ones until all of them is acknowledged. */
export class RunTable {
  readonly #reports = new Map<string, RunReport>();
  readonly #ended = new Map<RunState, number>();
  #accepted = 0;

  get(runId: string): RunReport | undefined {
    return this.#reports.get(runId);
  }

  /** All reports, for the inventory. */
  all(): readonly RunReport[] {
    return [...this.#reports.values()];
  }

  /** Takes in a run found or accepted. */
  add(report: RunReport): void {
    if (!this.#reports.has(report.runId)) this.#accepted++;
    this.#reports.set(report.runId, report);
  }

  /** Takes a report if it is news. False when it isn't, or the run is not in the table. */
  advance(report: RunReport): boolean {
    const known = this.#reports.get(report.runId);
    if (known === undefined || !supersedes(report, known)) return false;
    this.#reports.set(report.runId, report);
    if (isTerminal(report.state)) this.#ended.set(report.state, (this.#ended.get(report.state) ?? 0) + 1);
    return true;
  }

  /** Forgets a run whose object is released. */
  remove(runId: string): void {
    this.#reports.delete(runId);
  }

  /** Runs that have not ended: counted from what is there, never kept as a number (peers T17). */
  live(): readonly RunReport[] {
    return this.all().filter((report) => !isTerminal(report.state));
  }

  /** Since the start of this process: runs taken in, and runs that ended, by state. */
  counts(): { readonly accepted: number; readonly ended: Readonly<Record<string, number>> } {
    const ended = Object.fromEntries(
      RUN_STATES.filter((state) => isTerminal(state)).map((state) => [state, this.#ended.get(state) ?? 0]),
    );
    return { accepted: this.#accepted, ended };
  }
}
