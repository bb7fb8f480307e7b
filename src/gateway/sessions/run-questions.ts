import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import type { RunRecord, Store } from "../store/store.ts";
import type { Flights } from "./flights.ts";
import type { Operations } from "./operations.ts";
import type { RunBook } from "./run-book.ts";
import { lost } from "./settle.ts";

/** What the questions stand on. */
export interface RunQuestionsOptions {
  readonly runnerId: string;
  readonly store: Store;
  readonly book: RunBook;
  readonly clock: Clock;
  readonly log: Log;
  readonly operations: Operations;
}

/** Asks a runner what became of runs, and tells it which to stop; each until it has answered once in this session. */
export class RunQuestions {
  readonly #options: RunQuestionsOptions;
  readonly #flights: Flights;
  readonly #doubtful = new Set<string>();
  /** Ended here, yet live on the runner. */
  readonly #zombies = new Set<string>();
  readonly #stopsAsked = new Set<string>();

  constructor(options: RunQuestionsOptions, flights: Flights) {
    this.#options = options;
    this.#flights = flights;
  }

  /** Runs whose state the runner shall tell. */
  doubt(runIds: readonly string[]): void {
    for (const runId of runIds) this.#doubtful.add(runId);
  }

  /** Live runs that shall not be. */
  stopZombies(runIds: readonly string[]): void {
    for (const runId of runIds) this.#zombies.add(runId);
  }

  /** Sends what is due and not under way; `open` are the runs that have not ended here. */
  ask(open: readonly RunRecord[]): void {
    const toStop = open.filter((run) => run.stopRequested && run.dispatch === "accepted");
    const due = new Set([...toStop.map((run) => run.runId), ...this.#zombies]);
    for (const runId of this.#stopsAsked) if (!due.has(runId)) this.#stopsAsked.delete(runId);
    for (const runId of due) {
      if (!this.#stopsAsked.has(runId)) this.#flights.launch(`stop ${runId}`, () => this.#askStop(runId));
    }
    for (const runId of this.#doubtful) this.#flights.launch(`status ${runId}`, () => this.#askStatus(runId));
  }

  async #askStatus(runId: string): Promise<"done" | "later"> {
    const { operations, book, runnerId } = this.#options;
    const verdict = await operations.ask({ type: "run.status", body: { runId } });
    if (verdict.outcome === "refused") return "later";
    this.#doubtful.delete(runId);
    if (verdict.outcome !== "answered" || verdict.answer.kind !== "runStatus") return "done";
    if (verdict.answer.run === null) await this.#lose(runId, "run.status was answered with no such run");
    else await book.take(runnerId, verdict.answer.run);
    return "done";
  }

  async #askStop(runId: string): Promise<"done" | "later"> {
    const { operations, book, runnerId, log } = this.#options;
    const verdict = await operations.ask({ type: "run.stop", body: { runId } });
    if (verdict.outcome === "refused") {
      const { message, advice } = verdict;
      log.warn("A runner can't stop a run for now; it is asked again", { run: runId, message, next: advice });
      return "later";
    }
    this.#zombies.delete(runId);
    this.#stopsAsked.add(runId);
    if (verdict.outcome === "duplicate") await book.take(runnerId, verdict.run);
    if (verdict.outcome === "answered" && verdict.answer.kind === "runStatus") {
      if (verdict.answer.run === null) await this.#lose(runId, "run.stop was answered with no such run");
      else await book.take(runnerId, verdict.answer.run);
    }
    return "done";
  }

  /** Only a run that the runner had accepted can be lost; one that was only offered waits again. */
  async #lose(runId: string, evidence: string): Promise<void> {
    const { store, book, clock, runnerId, log } = this.#options;
    const run = await store.findRun(runId);
    if (run === undefined || run.runnerId !== runnerId || isTerminal(run.state)) return;
    if (run.dispatch === "offered") await book.setDispatch(runId, "waiting");
    if (run.dispatch !== "accepted") return;
    log.warn("A runner has lost a run", { runId, evidence });
    await book.take(runnerId, lost(run, clock.now(), `${evidence}; the last state here was ${run.state}`));
  }
}
