import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Executor, LogPiece } from "../executor/executor.ts";
import { type KnownEnd, nextLogPart } from "./log-part.ts";

/** How often the logs of live runs are looked at for something new; those that were silent at the last looks each second only. */
const POLL_MS = 250;
const MOST_SKIPPED = 3;
/** Read at once from a log, for several chunks. */
const READ_BYTES = 262_144;
/** Enough for one character, so that the answer tells whether there is anything. */
const LOOK_BYTES = 4;

interface Cursor {
  /** Up to here it was handed to the connection in this session, or is never sent because of the limit. */
  sent: number;
  /** Up to here the gateway has it. */
  acknowledged: number;
  /** True when the log has ended and all of it was handed over. */
  drained: boolean;
  /** True when the gateway was told in this session that what follows is left out, or waits for the run's end. */
  heldTold: boolean;
  /** So many looks in a row found nothing, and so many are left out before the next one. */
  silent: number;
  skip: number;
  /** What was read and not yet handed over; begins at `sent`. */
  ahead: string;
}

/** A piece of log on its way to the connection. `held` comes with an empty text: the rest waits for the run's end. */
export interface RunLogChunk {
  readonly runId: string;
  readonly offset: number;
  readonly text: string;
  readonly held?: true;
}

/** What the log lane stands on. */
export interface RunLogsOptions {
  readonly executor: Pick<Executor, "readLog">;
  readonly clock: Clock;
  readonly log: Log;
  /** At most so many bytes of one log are sent: its beginning and its end. */
  readonly limitBytes: number;
  /** What is known of the end of a run's log. */
  readonly endOf: (runId: string) => KnownEnd;
  /** False for a run that can't have printed anything yet. */
  readonly mayHaveLog?: (runId: string) => boolean;
  /** There may be log to send. */
  readonly wake: () => void;
  /** Told at each look for something new, as a sign of life. */
  readonly onPoll?: () => void;
  /** All of a run's log that is to be sent has reached the gateway. */
  readonly onDelivered: (runId: string) => void;
}

/**
 * Reads the logs of runs for the connection, which pulls: nothing piles up in memory, and after a break
 * the gateway says from which byte on it wants each log (docs/protocol.md, "Logs").
 */
export class RunLogs {
  readonly #options: RunLogsOptions;
  readonly #cursors = new Map<string, Cursor>();
  /** Runs whose log may have something new, in the order of their turns. */
  readonly #awake = new Set<string>();
  #cancelPoll: () => void = () => undefined;

  constructor(options: RunLogsOptions) {
    this.#options = options;
  }

  /** Begins to look for new log. */
  start(): void {
    this.#cancelPoll = this.#options.clock.schedule(
      POLL_MS,
      () => {
        for (const [runId, cursor] of this.#cursors) this.#lookAgain(runId, cursor);
        if (this.#awake.size > 0) this.#options.wake();
        this.#options.onPoll?.();
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
    if (this.#cursors.has(runId)) return;
    this.#cursors.set(runId, cursorAt(0));
    this.#awake.add(runId);
  }

  remove(runId: string): void {
    this.#cursors.delete(runId);
    this.#awake.delete(runId);
  }

  /** True when the log has ended and the gateway has all of it that is to be sent. */
  isDelivered(runId: string): boolean {
    const cursor = this.#cursors.get(runId);
    return cursor?.drained === true && cursor.acknowledged >= cursor.sent;
  }

  /** The next chunk of some run, or undefined when nothing is there now. Runs take turns. */
  async next(maxBytes: number): Promise<RunLogChunk | undefined> {
    for (const runId of this.#awake) {
      const cursor = this.#cursors.get(runId);
      const chunk = cursor === undefined ? undefined : await this.#nextOf(runId, cursor, maxBytes);
      if (chunk === undefined) continue;
      if (this.#awake.delete(runId)) this.#awake.add(runId);
      return chunk;
    }
    return undefined;
  }

  /** A new session: each run goes on from the gateway's offset, one it doesn't list from 0. */
  rewind(cursors: ReadonlyMap<string, number>): void {
    for (const runId of this.#cursors.keys()) {
      this.#cursors.set(runId, cursorAt(cursors.get(runId) ?? 0));
      this.#awake.add(runId);
    }
  }

  /** The gateway has this chunk. */
  acknowledged(chunk: RunLogChunk): void {
    const cursor = this.#cursors.get(chunk.runId);
    if (cursor === undefined) return;
    cursor.acknowledged = Math.max(cursor.acknowledged, chunk.offset + new TextEncoder().encode(chunk.text).length);
    if (this.isDelivered(chunk.runId)) this.#options.onDelivered(chunk.runId);
  }

  #lookAgain(runId: string, cursor: Cursor): void {
    const { endOf, mayHaveLog } = this.#options;
    const hasEnded = endOf(runId) !== undefined;
    const waits = cursor.heldTold || mayHaveLog?.(runId) === false || cursor.skip-- > 0;
    if (!cursor.drained && (hasEnded || !waits)) this.#awake.add(runId);
  }

  #sleep(runId: string, cursor: Cursor): void {
    this.#awake.delete(runId);
    cursor.silent = Math.min(cursor.silent + 1, MOST_SKIPPED);
    cursor.skip = cursor.silent;
  }

  async #nextOf(runId: string, cursor: Cursor, maxBytes: number): Promise<RunLogChunk | undefined> {
    if (cursor.ahead !== "") return handOver(runId, cursor, maxBytes);
    const position = cursor.sent;
    const { limitBytes, endOf } = this.#options;
    // The end is looked at first: what is read after it is the whole log.
    const end = endOf(runId);
    const part = nextLogPart(position, limitBytes, end);
    if (part === "done") return this.#drained(runId, cursor);
    // What is left out is told before what follows it, also of a run that was over before anybody looked.
    if (part !== "held" && part.from > position && !cursor.heldTold) {
      cursor.heldTold = true;
      return { runId, offset: position, text: "", held: true };
    }
    const [from, room] = part === "held" ? [position, LOOK_BYTES] : [part.from, part.upTo - part.from];
    const piece = await this.#read(runId, from, Math.min(room, READ_BYTES));
    if (this.#cursors.get(runId) !== cursor || cursor.sent !== position) return undefined;
    if (piece === undefined || piece.text === "") {
      this.#sleep(runId, cursor);
      // A log that is shorter than it was told doesn't come any more; one whose end nobody has told may still be on its way here.
      const isOver = typeof end === "number" || (end === "unknown" && piece?.ended === true);
      return piece !== undefined && isOver ? this.#drained(runId, cursor) : undefined;
    }
    if (part === "held") {
      cursor.heldTold = true;
      this.#awake.delete(runId);
      return { runId, offset: position, text: "", held: true };
    }
    cursor.silent = 0;
    cursor.sent = piece.offset;
    cursor.ahead = piece.text;
    return handOver(runId, cursor, maxBytes);
  }

  #drained(runId: string, cursor: Cursor): undefined {
    cursor.drained = true;
    this.#awake.delete(runId);
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

/** Cuts the next chunk, of whole characters, from what was read ahead. */
function handOver(runId: string, cursor: Cursor, maxBytes: number): RunLogChunk {
  const { read, written } = new TextEncoder().encodeInto(cursor.ahead, new Uint8Array(Math.max(maxBytes, LOOK_BYTES)));
  const chunk = { runId, offset: cursor.sent, text: cursor.ahead.slice(0, read) };
  cursor.ahead = cursor.ahead.slice(read);
  cursor.sent += written;
  return chunk;
}

function cursorAt(offset: number): Cursor {
  return { sent: offset, acknowledged: offset, drained: false, heldTold: false, silent: 0, skip: 0, ahead: "" };
}
