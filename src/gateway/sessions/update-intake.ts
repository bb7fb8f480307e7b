import { nextTurn } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { Frame } from "../../protocol/codec.ts";
import { PROTOCOL_ERRORS } from "../../protocol/errors.ts";
import type { MessageBodies } from "../../protocol/messages.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import type { LogPiece, Store } from "../store/store.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Link } from "./link.ts";
import { checkLog } from "./log-check.ts";
import type { RunBook } from "./run-book.ts";

/** What came is stored and acknowledged at the latest after so many updates or bytes of log, though more wait behind them. */
const MAX_UNACKNOWLEDGED = 16;
const MAX_WAITING_BYTES = 524_288;
const MAX_REMEMBERED_RUNS = 10_000;

/** What the intake of updates stands on. */
export interface UpdateIntakeOptions {
  readonly runnerId: string;
  readonly store: Store;
  readonly book: RunBook;
  readonly dispatcher: Dispatcher;
  readonly link: Link;
  readonly log: Log;
  readonly logAppended: (runId: string) => void;
}

/** Stores the numbered updates of one session and acknowledges them, never before they are committed. */
export class UpdateIntake {
  readonly #options: UpdateIntakeOptions;
  readonly #ownRuns = new Set<string>();
  /** Log that came and is not stored yet: each commit is synced to the disk, so those that came together share one. */
  #waiting: LogPiece[] = [];
  #waitingBytes = 0;
  /** What is being written, in the order in which it came: the store lets what is asked for at about the same time share a commit. */
  #writes: Promise<void>[] = [];
  #taken = 0;
  #acknowledged = 0;

  constructor(options: UpdateIntakeOptions) {
    this.#options = options;
  }

  /** @throws CodedError BadFrame when the number isn't the next one; LogDiffers; whatever the store throws */
  async take(frame: Frame<"run.update" | "run.log">): Promise<void> {
    const expected = this.#taken + 1;
    if (frame.seq !== expected) {
      const message = `Cannot take ${frame.type}: its seq is ${frame.seq ?? "missing"} and must be ${expected}`;
      throw new CodedError(PROTOCOL_ERRORS.BadFrame, message);
    }
    if (frame.type === "run.update") {
      this.#storeLogs();
      this.#write(this.#takeReport(frame.body));
    } else if (await this.#isOwn(frame.body.runId)) {
      this.#waiting.push(frame.body);
      this.#waitingBytes += frame.body.text.length;
    }
    this.#taken = expected;
    const many = this.#taken - this.#acknowledged >= MAX_UNACKNOWLEDGED || this.#waitingBytes >= MAX_WAITING_BYTES;
    if (many) await this.settle();
  }

  /**
   * Stores what waits and acknowledges all that came; leaves it for later when `more` tells that something else has come by
   * then, which is sure to be followed by another call. @throws CodedError LogDiffers; whatever the store throws
   */
  async settle(more: () => boolean = () => false): Promise<void> {
    if (this.#waiting.length > 0 || this.#writes.length > 0) {
      // What the socket has by now shares the commit.
      await nextTurn();
      if (more()) return;
    }
    this.#storeLogs();
    await this.#written();
    if (this.#taken === this.#acknowledged) return;
    this.#acknowledged = this.#taken;
    this.#options.link.send("ack", { seq: this.#taken });
  }

  #storeLogs(): void {
    if (this.#waiting.length === 0) return;
    const pieces = this.#waiting;
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#write(this.#appendLogs(pieces));
  }

  #write(work: Promise<void>): void {
    this.#writes.push(work);
    // Whoever waits for all of them is told.
    work.catch(() => undefined);
  }

  /** Resolves when all that was taken so far is committed. @throws what the first of the writes throws */
  async #written(): Promise<void> {
    const writes = this.#writes;
    this.#writes = [];
    await Promise.all(writes);
  }

  async #appendLogs(pieces: readonly LogPiece[]): Promise<void> {
    const { store, log, logAppended } = this.#options;
    const whole = await store.appendLogs(pieces);
    for (const runId of new Set(pieces.map((piece) => piece.runId))) logAppended(runId);
    for (const runId of whole) {
      const run = await store.findRun(runId);
      if (run !== undefined) await checkLog(run, store, log);
    }
  }

  async #takeReport(report: MessageBodies["run.update"]): Promise<void> {
    const { runnerId, book, dispatcher } = this.#options;
    const taken = await book.take(runnerId, report);
    if (taken === undefined) return;
    this.#noteOwn(report.runId);
    if (isTerminal(report.state)) await checkLog(taken.run, this.#options.store, this.#options.log);
    if (isTerminal(report.state)) return dispatcher.runEnded();
    const endedHere = isTerminal(taken.run.state) && taken.run.attempt === report.attempt;
    if (endedHere && taken.run.stopRequested) dispatcher.stopZombies([report.runId]);
  }

  /** A runner writes only to the logs of its own runs. */
  async #isOwn(runId: string): Promise<boolean> {
    if (this.#ownRuns.has(runId)) return true;
    // The report that makes the run known may be on its way into the store.
    await this.#written();
    if (this.#ownRuns.has(runId)) return true;
    const run = await this.#options.store.findRun(runId);
    if (run?.runnerId !== this.#options.runnerId) return false;
    this.#noteOwn(runId);
    return true;
  }

  #noteOwn(runId: string): void {
    if (this.#ownRuns.size >= MAX_REMEMBERED_RUNS) this.#ownRuns.clear();
    this.#ownRuns.add(runId);
  }
}
