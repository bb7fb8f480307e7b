import type { Clock } from "../../../base/clock.ts";
import { CodedError } from "../../../base/errors.ts";
import type { LogPosition } from "./log-intake.ts";
import type { LogReading, LogStream } from "./log-stream.ts";
import { type StreamMemory, StreamWatch } from "./stream-watch.ts";

/** A stream as following needs it. */
export type FollowedStream = Pick<LogStream, "open" | "read" | "close">;

/** What following a log stands on. */
export interface FollowOptions {
  readonly clock: Clock;
  /** True when others wait for this one's place. */
  readonly crowded: () => boolean;
  readonly position: () => LogPosition;
  /** Nothing is printed any more, and as much has come as was stated, or not; "unstated" when nobody said how much it is. */
  readonly over: () => "whole" | "partly" | "unstated" | undefined;
  /** Makes a stream that follows, or brings what the node's file has now. */
  readonly stream: (follow: boolean) => FollowedStream;
  /** Time of the last line that the node has now. */
  readonly lastTime: (signal: AbortSignal) => Promise<string>;
  readonly memory: StreamMemory;
  /** Closes everything. */
  readonly signal: AbortSignal;
}

/**
 * Follows a log as long as its stream goes on and keeps up. No stream is left before another has found its place, since only the
 * open stream still gives a file that was rotated away:
 *
 * - It can stay open and silent while the program prints on: the kubelet notices a rotation only when it has read the file to its
 *   end once before (https://github.com/kubernetes/kubernetes/issues/115701).
 * - It can fall behind, since a followed log is sent line by line; two rotations later the kubelet leaves out what was in between.
 * - It ends by itself when the container has ended, but only at the end of the file that it reads.
 *
 * So it is paused when it seems to do badly, and what the node has now is read without following, which is much faster. When
 * that finds its place, a new stream follows from there, and the old one is kept until the new one has found its place too.
 * Otherwise the old one has more, and goes on to its end; the new one keeps its file meanwhile.
 */
export class Following {
  readonly #options: FollowOptions;
  #main: FollowedStream;
  /** Paused, until `#main` has found its place. */
  #older: FollowedStream | undefined;
  /** Follows when `#main` has brought all that it has. */
  #newer: FollowedStream | undefined;
  #watch: StreamWatch | undefined;
  readonly #began: number;
  #bytes = 0;
  /** It was tried to overtake it since the container has ended. */
  #triedLast = false;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#main = options.stream(true);
    this.#began = options.clock.monotonic();
  }

  /** Something has changed: the container has ended. */
  nudge(): void {
    this.#watch?.look();
  }

  /** New content in bytes; `yielded` when it was left for others. @throws what `LogStream.read` throws */
  async run(): Promise<{ readonly bytes: number; readonly yielded: boolean }> {
    try {
      for (;;) {
        const yielded = await this.#step();
        if (yielded !== undefined) return { bytes: this.#bytes, yielded };
      }
    } finally {
      for (const stream of [this.#main, this.#older, this.#newer]) stream?.close();
    }
  }

  /** Undefined when it goes on. */
  async #step(): Promise<boolean | undefined> {
    const { signal, over } = this.#options;
    const isAlone = this.#older === undefined && this.#newer === undefined;
    if (over() === "whole") return false;
    if (over() !== undefined && isAlone && !this.#triedLast) return (await this.#overtake()) ? false : undefined;
    const watch = new StreamWatch(this.#options, { isAlone, triedLast: this.#triedLast, began: this.#began });
    this.#watch = watch;
    let end: LogReading["end"];
    try {
      end = await this.#read(this.#main, watch);
    } finally {
      watch.close();
      this.#watch = undefined;
    }
    if (signal.aborted) return false;
    if (end === "paused" && watch.why === "yielded") return true;
    if (end === "paused" && watch.why === "whole") return false;
    if (end === "paused" && watch.why === "behind") return (await this.#overtake()) ? false : undefined;
    // It stopped before a gap, or it found nothing: the older one has what is between.
    if (this.#older !== undefined) {
      this.#newer = end === "ended" ? undefined : this.#main;
      if (end === "ended") this.#main.close();
      this.#main = this.#older;
      this.#older = undefined;
      return undefined;
    }
    this.#main.close();
    if (this.#newer === undefined || over() !== undefined) return false;
    this.#main = this.#newer;
    this.#newer = undefined;
    return undefined;
  }

  async #read(stream: FollowedStream, watch: StreamWatch): Promise<LogReading["end"]> {
    const isReplaceable = this.#older !== undefined || this.#newer !== undefined;
    try {
      const { bytes, end } = await stream.read({
        gap: this.#older === undefined ? "mark" : "stop",
        pause: watch.signal,
        onBytes: (bytes) => watch.heard(bytes),
        onFound: () => this.#dropOlder(),
      });
      this.#bytes += bytes;
      return end;
    } catch (error) {
      // What the API server says is of this stream; what the disk says is of all.
      if (!isReplaceable || !(error instanceof CodedError)) throw error;
      return "ended";
    }
  }

  #dropOlder(): void {
    if (this.#older === undefined) return;
    this.#older.close();
    this.#older = undefined;
    this.#watch?.setAlone();
  }

  /** Reads what the node has now, while the stream waits. True when that is all. */
  async #overtake(): Promise<boolean> {
    const { stream, over, position } = this.#options;
    this.#triedLast = over() !== undefined;
    const fast = stream(false);
    let reading: LogReading;
    try {
      reading = await fast.read({ gap: "stop" });
    } catch (error) {
      if (error instanceof CodedError) return false;
      throw error;
    } finally {
      fast.close();
    }
    this.#bytes += reading.bytes;
    const isNothing = over() === "unstated" && position().last === "";
    const isFound = reading.end === "ended" && (reading.found || isNothing);
    // What ended meanwhile is looked at once more.
    if (over() !== undefined) return isFound && this.#triedLast;
    const next = stream(true);
    next.open();
    if (isFound) {
      this.#older = this.#main;
      this.#main = next;
    } else this.#newer = next;
    return false;
  }
}
