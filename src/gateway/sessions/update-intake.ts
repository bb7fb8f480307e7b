import { CodedError } from "../../base/errors.ts";
import type { Frame } from "../../protocol/codec.ts";
import { PROTOCOL_ERRORS } from "../../protocol/errors.ts";
import type { MessageBodies } from "../../protocol/messages.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import type { Store } from "../store/store.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Link } from "./link.ts";
import type { RunBook } from "./run-book.ts";

/** An acknowledgement is sent at the latest after so many updates, though more wait behind them. */
const MAX_UNACKNOWLEDGED = 16;
const MAX_REMEMBERED_RUNS = 10_000;

/** What the intake of updates stands on. */
export interface UpdateIntakeOptions {
  readonly runnerId: string;
  readonly store: Store;
  readonly book: RunBook;
  readonly dispatcher: Dispatcher;
  readonly link: Link;
  readonly logAppended: (runId: string) => void;
}

/** Stores the numbered updates of one session and acknowledges them, never before they are committed. */
export class UpdateIntake {
  readonly #options: UpdateIntakeOptions;
  readonly #ownRuns = new Set<string>();
  #stored = 0;
  #acknowledged = 0;

  constructor(options: UpdateIntakeOptions) {
    this.#options = options;
  }

  /** @throws CodedError BadFrame when the number isn't the next one; whatever the store throws */
  async take(frame: Frame<"run.update" | "run.log">): Promise<void> {
    const expected = this.#stored + 1;
    if (frame.seq !== expected) {
      const message = `Cannot take ${frame.type}: its seq is ${frame.seq ?? "missing"} and must be ${expected}`;
      throw new CodedError(PROTOCOL_ERRORS.BadFrame, message);
    }
    if (frame.type === "run.update") await this.#takeReport(frame.body);
    else await this.#takeLog(frame.body);
    this.#stored = expected;
    if (this.#stored - this.#acknowledged >= MAX_UNACKNOWLEDGED) this.acknowledge();
  }

  /** Acknowledges all that is stored. */
  acknowledge(): void {
    if (this.#stored === this.#acknowledged) return;
    this.#acknowledged = this.#stored;
    this.#options.link.send("ack", { seq: this.#stored });
  }

  async #takeReport(report: MessageBodies["run.update"]): Promise<void> {
    const { runnerId, book, dispatcher } = this.#options;
    const taken = await book.take(runnerId, report);
    if (taken === undefined) return;
    if (isTerminal(report.state)) return dispatcher.runEnded();
    const endedHere = isTerminal(taken.run.state) && taken.run.attempt === report.attempt;
    if (endedHere && taken.run.stopRequested) dispatcher.stopZombies([report.runId]);
  }

  async #takeLog({ runId, offset, text }: MessageBodies["run.log"]): Promise<void> {
    if (!(await this.#isOwn(runId))) return;
    await this.#options.store.appendLog(runId, offset, text);
    this.#options.logAppended(runId);
  }

  /** A runner writes only to the logs of its own runs. */
  async #isOwn(runId: string): Promise<boolean> {
    if (this.#ownRuns.has(runId)) return true;
    const run = await this.#options.store.findRun(runId);
    if (run?.runnerId !== this.#options.runnerId) return false;
    if (this.#ownRuns.size >= MAX_REMEMBERED_RUNS) this.#ownRuns.clear();
    this.#ownRuns.add(runId);
    return true;
  }
}
