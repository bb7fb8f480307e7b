import type { RunReport } from "../../executor.ts";

/** Runs that the cluster's own schedules started, each handed on once. */
export class Discoveries {
  readonly #told = new Set<string>();
  readonly #found = new Map<string, RunReport>();
  #wake: () => void = () => undefined;

  /** A run has a report. */
  note(report: RunReport, isOrdered: boolean): void {
    if (isOrdered || this.#told.has(report.runId)) return;
    this.#found.set(report.runId, report);
    this.#wake();
  }

  /** The run was told by a list. */
  known(runId: string): void {
    this.#told.add(runId);
    this.#found.delete(runId);
  }

  /** The run is over and done. */
  forget(runId: string): void {
    this.#told.delete(runId);
    this.#found.delete(runId);
  }

  /** Each found run, as soon as it is found, until the signal aborts. For one reader. */
  async *read(signal: AbortSignal): AsyncGenerator<RunReport> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const changed = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        for (const [runId, report] of this.#found) {
          this.known(runId);
          yield report;
        }
        if (this.#found.size === 0 && !signal.aborted) await changed;
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }
}
