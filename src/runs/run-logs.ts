import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Executor, LogPiece } from "../executor/executor.ts";

/** How often the logs of live runs are looked at for something new. */
const POLL_MS = 250;

interface Cursor {
  /** Up to here it was handed to the connection in this session. */
  sent: number;
  /** Up to here the gateway has it. */
  acknowledged: number;
  /** True when the log has ended and all of it was handed over. */
  drained: boolean;
  /** False until there may be something new to read. */
  awake: boolean;
}

/** What the log lane stands on. */
export interface RunLogsOptions {
  readonly executor: Pick<Executor, "readLog">;
  readonly clock: Clock;
  readonly log: Log;
  /** There may be log to send. */
  readonly wake: () => void;
  /** All of a run's log has reached the gateway. */
  readonly onDelivered: (runId: string) => void;
}

/**
 * Reads the logs of runs for the connection, which pulls: nothing piles up in memory, and after a break
 * the gateway says from which byte on it wants each log (docs/protocol.md, "Logs").
 */
export class RunLogs {
  readonly #options: RunLogsOptions;
  readonly #cursors = new Map<string, Cursor>();
  #cancelPoll: () => void = () => undefined;

  constructor(options: RunLogsOptions) {
    this.#options = options;
  }

  /** Begins to look for new log. */
  start(): void {
    this.#cancelPoll = this.#options.clock.schedule(
      POLL_MS,
      () => {
        for (const cursor of this.#cursors.values()) cursor.awake = !cursor.drained;
        if (this.#cursors.size > 0) this.#options.wake();
        this.start();
      },
      { unref: true },
    );
  }

  stop(): void {
    this.#cancelPoll();
  }

  /** From now on this run's log is sent. */
  add(runId: string): void {
    if (!this.#cursors.has(runId)) this.#cursors.set(runId, { sent: 0, acknowledged: 0, drained: false, awake: true });
  }

  remove(runId: string): void {
    this.#cursors.delete(runId);
  }

  /** True when the log has ended and the gateway has all of it. */
  isDelivered(runId: string): boolean {
    const cursor = this.#cursors.get(runId);
    return cursor?.drained === true && cursor.acknowledged >= cursor.sent;
  }

  /** The next chunk of some run, or undefined when nothing is there now. Runs take turns. */
  async next(maxBytes: number): Promise<{ runId: string; offset: number; text: string } | undefined> {
    for (const [runId, cursor] of [...this.#cursors]) {
      if (!cursor.awake || cursor.drained) continue;
      const offset = cursor.sent;
      const piece = await this.#read(runId, offset, maxBytes);
      if (this.#cursors.get(runId) !== cursor || cursor.sent !== offset) continue;
      if (piece === undefined || piece.text === "") {
        cursor.awake = false;
        if (piece?.ended === true) this.#drained(runId, cursor);
        continue;
      }
      cursor.sent = piece.nextOffset;
      this.#cursors.delete(runId);
      this.#cursors.set(runId, cursor);
      return { runId, offset, text: piece.text };
    }
    return undefined;
  }

  /** A new session: each run goes on from the gateway's offset, one it doesn't list from 0. */
  rewind(cursors: ReadonlyMap<string, number>): void {
    for (const [runId, cursor] of this.#cursors) {
      const offset = cursors.get(runId) ?? 0;
      this.#cursors.set(runId, { sent: offset, acknowledged: offset, drained: false, awake: true });
      cursor.awake = false;
    }
  }

  /** The gateway has this chunk. */
  acknowledged(chunk: { readonly runId: string; readonly offset: number; readonly text: string }): void {
    const cursor = this.#cursors.get(chunk.runId);
    if (cursor === undefined) return;
    cursor.acknowledged = Math.max(cursor.acknowledged, chunk.offset + new TextEncoder().encode(chunk.text).length);
    if (this.isDelivered(chunk.runId)) this.#options.onDelivered(chunk.runId);
  }

  #drained(runId: string, cursor: Cursor): void {
    cursor.drained = true;
    if (this.isDelivered(runId)) this.#options.onDelivered(runId);
  }

  async #read(runId: string, offset: number, maxBytes: number): Promise<LogPiece | undefined> {
    try {
      return await this.#options.executor.readLog(runId, offset, maxBytes);
    } catch (error) {
      this.#options.log.warn("Log can't be read now; it is tried again", { run: runId, error: describeError(error) });
      return undefined;
    }
  }
}
