import type { Clock } from "../base/clock.ts";
import { LIMITS } from "../protocol/limits.ts";

/** What a session starts with, before it knows its line: two seconds of a line of 64 kbit/s. */
const FIRST_BYTES = 16_384;
const LEAST_BYTES = 4_096;
const MOST_BYTES = LIMITS.logWindowBytes;
/** Updates shall not stand in a queue on the way for longer than this: verdicts and heartbeats stand behind them. */
const QUEUE_MS = 1_500;
/** With one acknowledgement the window at most doubles, in one round trip it at most halves. */
const STEP = 2;
/** Pieces of log are a part of the window, so that one is always on its way while another is being acknowledged. */
const PIECES = 4;
const LEAST_PIECE_BYTES = 2_048;

/** States and logs have a window each: a window full of logs doesn't hold up a state. */
export type Lane = "state" | "log";

interface Flight {
  readonly lane: Lane;
  readonly seq: number;
  readonly bytes: number;
  /** Bytes that were on their way when it had been sent, its own included. */
  readonly together: number;
  readonly at: number;
}

/**
 * Measures how much the line of one session carries and bounds what is on its way by that. A time of acknowledgement that
 * grows over the shortest one seen means that bytes stand in a queue, wherever that is: in this process, in the operating
 * system, in a proxy, at the gateway. On a fast line this opens to the protocol's window within a few round trips.
 */
export class FlightControl {
  readonly #clock: Clock;
  readonly #onRoundTrip: (ms: number) => void;
  readonly #sent: Flight[] = [];
  readonly #inFlight: Record<Lane, number> = { state: 0, log: 0 };
  #windowBytes = FIRST_BYTES;
  #shortestMs = Number.POSITIVE_INFINITY;
  /** An acknowledgement from this number on may narrow the window. */
  #roundFrom = 1;

  /** `onRoundTrip` is told of each measured time of acknowledgement. */
  constructor(clock: Clock, onRoundTrip: (ms: number) => void = () => undefined) {
    this.#clock = clock;
    this.#onRoundTrip = onRoundTrip;
  }

  /** Bytes of one lane that may be on their way at once. */
  get windowBytes(): number {
    return this.#windowBytes;
  }

  /** A good size for the next piece of log. */
  get pieceBytes(): number {
    return Math.min(LIMITS.logChunkBytes, Math.max(LEAST_PIECE_BYTES, Math.floor(this.#windowBytes / PIECES)));
  }

  /** True when so many more bytes may be sent; with nothing on its way anything may. */
  hasRoom(lane: Lane, bytes: number): boolean {
    return this.#inFlight[lane] === 0 || this.#inFlight[lane] + bytes <= this.#windowBytes;
  }

  /** Something was answered after this time, for example the greeting. */
  noteRoundTrip(ms: number): void {
    this.#onRoundTrip(ms);
    this.#shortestMs = Math.min(this.#shortestMs, ms);
  }

  sent(lane: Lane, seq: number, bytes: number): void {
    this.#inFlight[lane] += bytes;
    const together = this.#inFlight.state + this.#inFlight.log;
    this.#sent.push({ lane, seq, bytes, together, at: this.#clock.monotonic() });
  }

  /** Everything up to this number is stored. */
  acknowledge(seq: number): void {
    const kept = this.#sent.findIndex((sent) => sent.seq > seq);
    const done = this.#sent.splice(0, kept === -1 ? this.#sent.length : kept);
    for (const { lane, bytes } of done) this.#inFlight[lane] -= bytes;
    const newest = done.at(-1);
    if (newest === undefined) return;
    const tookMs = this.#clock.monotonic() - newest.at;
    this.noteRoundTrip(tookMs);
    this.#adjust(newest, tookMs);
  }

  /** The line carried `together` bytes in this time: how many may be on their way so that the last waits just as long as it may? */
  #adjust({ seq, together }: Flight, tookMs: number): void {
    const share = (this.#shortestMs + QUEUE_MS) / Math.max(1, tookMs);
    const was = this.#windowBytes;
    if (share >= 1) {
      this.#windowBytes = Math.min(MOST_BYTES, Math.max(was, Math.min(was * STEP, Math.round(together * share))));
    } else if (seq >= this.#roundFrom) {
      this.#windowBytes = Math.max(LEAST_BYTES, Math.round(was * Math.max(1 / STEP, share)));
      // What is on its way already was sent before this; it mustn't count twice.
      this.#roundFrom = (this.#sent.at(-1)?.seq ?? seq) + 1;
    }
  }
}
