import type { Clock } from "../../../base/clock.ts";
import { CodedError } from "../../../base/errors.ts";
import type { LogPosition } from "./log-intake.ts";
import type { LogReading, LogStream, ReadOptions } from "./log-stream.ts";
import { type PauseReason, type StreamMemory, StreamWatch } from "./stream-watch.ts";

/** A stream as following needs it. */
export type FollowedStream = Pick<LogStream, "open" | "read" | "close" | "firstTime">;

/** What following a log stands on. */
export interface FollowOptions {
  readonly clock: Clock;
  /** True when others wait for this one's place. */
  readonly crowded: () => boolean;
  readonly position: () => LogPosition;
  /** Nothing is printed any more, and as much has come as was stated, or not; "unstated" when nobody said how much it is. */
  readonly over: () => "whole" | "partly" | "unstated" | undefined;
  /** Makes a stream that follows, or brings what the node's file has now. */
  readonly stream: (how: { readonly follow: boolean; readonly since?: string }) => FollowedStream;
  /** Time of the first or last line that the node's file has now. */
  readonly timeOf: (which: "first" | "last", signal: AbortSignal) => Promise<string>;
  readonly memory: StreamMemory;
  /** Closes everything. */
  readonly signal: AbortSignal;
}

/** A stream that is open and goes on behind the one before it. */
interface Next {
  readonly stream: FollowedStream;
  /** Time of its first line, when it begins with a file of its own. */
  readonly first?: string;
  /** Nothing can be missing before it. */
  readonly adjoins: boolean;
}

/** Nodes look whether a file is to be rotated every ten seconds: one that is seen sooner after the one before is the very next. */
const NEXT_FILE_MS = 9_500;
/** So many files wait to be read; what a program prints beyond that while its log is read so slowly is missing. */
const MOST_FILES = 8;

/**
 * Follows a log as long as its stream goes on and keeps up. Only a stream that is open gives a file that was rotated away, so none
 * is left, or read to the end of its file, before the one that goes on from there is open. Three things can be wrong with one:
 *
 * - It stays open and silent while the program prints on: the kubelet notices a rotation only when it has read the file to its
 *   end once before (https://github.com/kubernetes/kubernetes/issues/115701).
 * - It falls behind, since a followed log is sent line by line; two rotations later the kubelet leaves out the file in between.
 * - It ends by itself when the container has ended, but at the end of the file that it reads.
 *
 * So when it seems to do badly it is paused, and what the node has now is asked for without following, which is much faster. Is
 * the end of what was read there, that goes on in its place. Otherwise it is the next file: it is kept open, and read when the
 * one before has been.
 */
export class Following {
  readonly #options: FollowOptions;
  readonly #began: number;
  #main: FollowedStream;
  /** The main stream follows; otherwise it ends with its file. */
  #follows = true;
  #gap: ReadOptions["gap"] = "mark";
  readonly #next: Next[] = [];
  /** When the newest stream was known to read the node's file of that moment, and the time of that file's first line. */
  #currentAt: number;
  #file = "";
  #watch: StreamWatch | undefined;
  #bytes = 0;
  /** The node was asked for more since the container has ended. */
  #askedLast = false;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#main = options.stream({ follow: true });
    this.#began = options.clock.monotonic();
    this.#currentAt = this.#began;
  }

  /** Something has changed: the container has ended. */
  nudge(): void {
    this.#watch?.look();
  }

  /** New content in bytes; `yielded` when it was left for others. @throws what `LogStream.read` throws */
  async run(): Promise<{ readonly bytes: number; readonly yielded: boolean }> {
    try {
      for (;;) {
        const why = await this.#readOn();
        if (this.#options.signal.aborted || why === "whole") return { bytes: this.#bytes, yielded: false };
        if (why === "yielded") return { bytes: this.#bytes, yielded: true };
        if (why === "behind") {
          if (await this.#ask()) return { bytes: this.#bytes, yielded: false };
        } else if (!this.#goOn()) return { bytes: this.#bytes, yielded: false };
      }
    } finally {
      this.#main.close();
      for (const { stream } of this.#next) stream.close();
    }
  }

  /** Reads the main stream until it has ended, or is paused for a reason. */
  async #readOn(): Promise<PauseReason | "ended"> {
    const { over } = this.#options;
    if (over() === "whole") return "whole";
    const [next] = this.#next;
    if (over() !== undefined && !this.#askedLast && this.#follows && next === undefined) return "behind";
    const watch = new StreamWatch(this.#options, {
      began: this.#began,
      follows: this.#follows,
      askedLast: this.#askedLast,
      isLast: next === undefined,
      file: () => this.#file,
      setCurrent: (file) => this.#setCurrent(file),
    });
    this.#watch = watch;
    try {
      const { bytes, end } = await this.#main.read({
        gap: this.#gap,
        pause: watch.signal,
        onBytes: (size) => watch.heard(size),
        ...(next?.first === undefined ? {} : { until: next.first }),
      });
      this.#bytes += bytes;
      return end === "paused" ? (watch.why ?? "ended") : "ended";
    } catch (error) {
      // What the API server says is of this stream; what the disk says is of all.
      if (next === undefined || !(error instanceof CodedError)) throw error;
      this.#next[0] = { ...next, adjoins: false };
      return "ended";
    } finally {
      watch.close();
      this.#watch = undefined;
    }
  }

  /** The main stream has brought all that it has. False when nothing follows. */
  #goOn(): boolean {
    const { over } = this.#options;
    const [next, ...others] = this.#next;
    if (next === undefined) return false;
    // The last file is compared with what the wrapper stated before something is said to be missing.
    if (over() === "partly" && !next.adjoins && others.length === 0) return false;
    this.#next.shift();
    this.#replaceMain(next.stream, next.first === undefined, next.adjoins ? "pass" : "mark");
    if (!this.#follows && others.length === 0 && over() === undefined) this.#openLast();
    return true;
  }

  /** Asks for what the node has now, while the main stream waits. True when nothing is left to be read. */
  async #ask(): Promise<boolean> {
    const { over, timeOf, signal, position, stream } = this.#options;
    const isOver = over();
    this.#askedLast = isOver !== undefined;
    if (this.#next.length >= MOST_FILES) return false;
    // Asked before, so that it is of this file or of one before it.
    const [first, last] =
      isOver === undefined
        ? await Promise.all([timeOf("first", signal), timeOf("last", signal)]).catch(() => ["", ""])
        : ["", ""];
    const now = stream({ follow: false });
    const reading = await this.#peek(now);
    if (reading?.end === "gap") {
      this.#addFile(now);
      return false;
    }
    if (reading?.found === true) this.#setCurrent(first);
    if (reading?.found === true && this.#next.length === 0) {
      this.#replaceMain(now, false, "pass");
      if (over() === undefined) this.#openLast(last);
      return false;
    }
    now.close();
    return isOver === "unstated" && reading?.end === "ended" && position().last === "";
  }

  /** Undefined when the API server can't tell. */
  async #peek(stream: FollowedStream): Promise<LogReading | undefined> {
    try {
      const reading = await stream.read({ gap: "stop", peek: true });
      this.#bytes += reading.bytes;
      return reading;
    } catch (error) {
      if (error instanceof CodedError) return undefined;
      stream.close();
      throw error;
    }
  }

  /** The node's file is another one than the main stream's. */
  #addFile(stream: FollowedStream): void {
    const first = stream.firstTime;
    const isKnown = this.#next.some((next) => next.first === first);
    const adjoins = this.#options.clock.monotonic() - this.#currentAt < NEXT_FILE_MS;
    if (isKnown) stream.close();
    else this.#next.push({ stream, first, adjoins });
    this.#setCurrent(first);
  }

  /** The stream that follows behind a main one that ends with its file. */
  #openLast(since = ""): void {
    const stream = this.#options.stream({ follow: true, ...(since === "" ? {} : { since }) });
    stream.open();
    this.#next.push({ stream, adjoins: true });
  }

  #replaceMain(stream: FollowedStream, follows: boolean, gap: ReadOptions["gap"]): void {
    this.#main.close();
    this.#main = stream;
    this.#follows = follows;
    this.#gap = gap;
  }

  #setCurrent(file: string | undefined): void {
    this.#currentAt = this.#options.clock.monotonic();
    this.#file = file ?? "";
  }
}
