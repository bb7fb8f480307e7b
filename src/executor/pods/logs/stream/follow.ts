import { sleep } from "../../../../base/clock.ts";
import { CodedError } from "../../../../base/errors.ts";
import type { Followed, FollowedStream, FollowOptions } from "./follow-options.ts";
import type { LogReading, ReadOptions } from "./log-stream.ts";
import { BUSY_BYTES, type PauseReason, StreamWatch } from "./stream-watch.ts";

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
/** So long a stream that was opened may say nothing before it is believed that there is nothing. */
const SILENT_PEEK_MS = 10_000;
/** So often, and after such a pause, the stream is opened that goes on behind what the node has now. */
const MOST_TRIES = 8;
const TRY_AGAIN_MS = 250;

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
  #adjoins = false;
  readonly #next: Next[] = [];
  /** When the newest stream was known to read the node's file of that moment, and the time of that file's first line. */
  #currentAt: number;
  #file = "";
  #watch: StreamWatch | undefined;
  #peeking: AbortController | undefined;
  #bytes = 0;
  #bytesAsked = 0;
  /** The node was asked for more since the container has ended. */
  #askedLast = false;
  #isAtEnd = false;

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#main = options.stream({ follow: true });
    this.#began = options.clock.monotonic();
    this.#currentAt = this.#began;
  }

  /** Something has changed: the container has ended. */
  nudge(): void {
    this.#watch?.look();
    this.#peeking?.abort();
  }

  /** @throws what `LogStream.read` throws */
  async run(): Promise<Followed> {
    try {
      for (;;) {
        const why = await this.#readOn();
        const isOver = this.#options.signal.aborted || why === "whole" || why === "yielded";
        if (!isOver && why === "gap") await this.#bridge();
        else if (isOver || (why === "behind" ? await this.#ask() : !(await this.#goOn())))
          return { bytes: this.#bytes, yielded: why === "yielded", isAtEnd: this.#isAtEnd };
      }
    } finally {
      this.#main.close();
      for (const { stream } of this.#next) stream.close();
    }
  }

  /** Reads the main stream until it has ended, or is paused for a reason. */
  async #readOn(): Promise<PauseReason | "ended" | "gap"> {
    const { over, position, hasStarted } = this.#options;
    this.#isAtEnd = false;
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
      const { bytes, end, found, words, rest } = await this.#main.read({
        gap: this.#gap,
        pause: watch.signal,
        onBytes: (size) => watch.heard(size),
        ...(next?.first === undefined ? {} : { until: next.first }),
      });
      this.#bytes += bytes;
      const isThere = (found || (hasStarted && position().last === "")) && words === "" && rest.bytes === 0;
      this.#isAtEnd = isThere && end === "ended" && this.#follows && next === undefined;
      return end === "paused" ? (watch.why ?? "ended") : end;
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
  async #goOn(): Promise<boolean> {
    const { over } = this.#options;
    const [next, ...others] = this.#next;
    if (next === undefined) return await this.#askBehindEnd();
    // The last file is compared with what the wrapper stated before something is said to be missing.
    if (over() === "partly" && !next.adjoins && others.length === 0) return false;
    this.#next.shift();
    this.#adjoins = next.adjoins;
    // One that doesn't begin with a file goes on inside the one before, unless that was not read to its end.
    const gap = next.first === undefined ? "stop" : this.#gapNow;
    this.#replaceMain(next.stream, next.first === undefined, gap);
    if (!this.#follows && others.length === 0 && over() === undefined) await this.#openLast();
    return true;
  }

  /** A stream of a container that has ended ends with its file, also when the node has another one. False when that was looked for. */
  async #askBehindEnd(): Promise<boolean> {
    const { over } = this.#options;
    if (over() !== undefined || !this.#follows || this.#bytes - this.#bytesAsked < BUSY_BYTES) return false;
    this.#bytesAsked = this.#bytes;
    await this.#ask();
    return true;
  }

  /** Asks for what the node has now, while the main stream waits. True when nothing is left to be read. */
  async #ask(): Promise<boolean> {
    const { over, timeOf, signal, position, stream } = this.#options;
    const isOver = over();
    this.#askedLast = isOver !== undefined;
    if (this.#next.length >= MOST_FILES) return false;
    // Asked before, so that it is of this file or of one before it.
    const first = isOver === undefined ? await timeOf("first", signal).catch(() => "") : "";
    const now = stream({ follow: false });
    const reading = await this.#peekIfThere(now);
    if (reading?.end === "gap") this.#addFile(now);
    else if (reading?.found === true) await this.#takeOver(now, first);
    else {
      now.close();
      const isEmpty = isOver === "unstated" && reading?.end === "ended" && position().last === "";
      this.#isAtEnd = isEmpty && reading.words === "";
      return isEmpty;
    }
    return false;
  }

  /**
   * Something is missing before what the main stream brings: it is gone, unless the node still has it. What is left out here is
   * lost for good, so nothing is as long as the node can't be asked.
   * @throws CodedError when it can't be for long: what the open streams have left is read again then
   */
  async #bridge(): Promise<void> {
    const { stream, signal, clock } = this.#options;
    for (let tries = 1; !signal.aborted; tries++) {
      const now = stream({ follow: false });
      try {
        const reading = await this.#peek(now);
        if (reading.found) return await this.#takeOver(now, "");
        now.close();
        if (reading.end === "gap" || tries === MOST_TRIES) {
          this.#gap = this.#gapNow;
          return;
        }
      } catch (error) {
        now.close();
        if (!(error instanceof CodedError) || tries === MOST_TRIES) throw error;
      }
      await sleep(clock, TRY_AGAIN_MS, signal);
    }
  }

  /** The node's file of now has the end of what was read: it goes on there, in place of all others. */
  async #takeOver(now: FollowedStream, file: string): Promise<void> {
    this.#setCurrent(file);
    for (const { stream } of this.#next.splice(0)) stream.close();
    this.#replaceMain(now, false, "pass");
    if (this.#options.over() === undefined) await this.#openLast();
  }

  get #gapNow(): ReadOptions["gap"] {
    return this.#adjoins ? "pass" : "mark";
  }

  /** Finds where a stream begins. @throws what `LogStream.read` throws */
  async #peek(stream: FollowedStream): Promise<LogReading> {
    const peeking = new AbortController();
    const cancel = this.#options.clock.schedule(SILENT_PEEK_MS, () => peeking.abort(), { unref: true });
    this.#peeking = peeking;
    try {
      const reading = await stream.read({ gap: "stop", peek: true, pause: peeking.signal });
      this.#bytes += reading.bytes;
      return reading;
    } finally {
      cancel();
      this.#peeking = undefined;
    }
  }

  /** The same; undefined when the API server can't tell. */
  async #peekIfThere(stream: FollowedStream): Promise<LogReading | undefined> {
    try {
      return await this.#peek(stream);
    } catch (error) {
      stream.close();
      if (error instanceof CodedError) return undefined;
      throw error;
    }
  }

  /** The node's file is another one than the main stream's. */
  #addFile(stream: FollowedStream): void {
    const first = stream.firstTime;
    const isKnown = this.#next.some((next) => next.first === first);
    if (isKnown) stream.close();
    else this.#next.push({ stream, first, adjoins: this.#isNextFile });
    this.#setCurrent(first);
  }

  /**
   * Opens the stream that follows behind a main one that ends with its file. That is read to its end only when the node has begun
   * to send this one: otherwise what is printed in between may be rotated away before anybody reads it.
   */
  async #openLast(): Promise<void> {
    const { stream: make, timeOf, signal, clock, over } = this.#options;
    for (let tries = 0; tries < MOST_TRIES && !signal.aborted && over() === undefined; tries++) {
      const last = await timeOf("last", signal).catch(() => "");
      const first = await timeOf("first", signal).catch(() => "");
      // Asked afterwards, so that the last line is of this file too, and nothing of another one is left out.
      const isSame = first !== "" && first === this.#file;
      if (isSame) this.#setCurrent(first);
      const stream = make({ follow: true, ...(isSame ? { since: last } : {}) });
      const reading = await this.#peekIfThere(stream);
      if (reading?.found === true) return this.#replaceMain(stream, true, "mark");
      if (reading !== undefined && reading.end !== "ended")
        return void this.#next.push({ stream, adjoins: this.#isNextFile });
      // For a moment while it rotates a file the node has none.
      stream.close();
      await sleep(clock, TRY_AGAIN_MS, signal).catch(() => undefined);
    }
  }

  /** A file that is seen now can only be the one behind the newest that was seen before, or that one. */
  get #isNextFile(): boolean {
    return this.#options.clock.monotonic() - this.#currentAt < NEXT_FILE_MS;
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
