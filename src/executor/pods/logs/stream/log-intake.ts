import { momentOf, OVERLAP_MS } from "./line-times.ts";
import { TimeSlot } from "./time-slot.ts";

/** How far a container's log was read. Times are those before the lines; empty when nothing was read yet. */
export interface LogPosition {
  /** Time of the first line. */
  readonly first: string;
  /** Time of the last line that was begun. */
  readonly last: string;
  /** How many lines in a row have exactly this time, that line included. */
  readonly same: number;
  /** The newest of all times; stdout and stderr may overtake each other. */
  readonly newest: string;
  /** Bytes of the last line that were taken; -1 when it was taken whole. */
  readonly taken: number;
}

/** Where a log begins. */
export const NOTHING_READ: LogPosition = { first: "", last: "", same: 0, newest: "", taken: -1 };

/** What a piece of stream came to. */
export interface Intake {
  /** New content, times removed. */
  readonly bytes: Uint8Array;
  /** True when what was read before is no more in the log: something may be missing before `bytes`. */
  readonly gap: boolean;
}

type Stage = "time" | "text" | "known" | "begun" | "words";

const NEWLINE = 0x0a;
const SPACE = 0x20;
const WORDS_LIMIT = 300;
/** Length of a time in UTC. */
const USUAL_TIME = 30;

/**
 * Takes one stream of a log with times and gives the content behind a position: what was read before is found again by its
 * last line and left out. The server compares `sinceTime` by seconds, so lines come again, and a stream may begin inside a long
 * line, then without a time. A line without a time is otherwise the kubelet's own word (`words`), never content.
 */
export class LogIntake {
  readonly #first: TimeSlot;
  readonly #last: TimeSlot;
  readonly #newest: TimeSlot;
  readonly #time = new TimeSlot();
  /** Time of the first line that came by. */
  readonly #came = new TimeSlot();
  #mayBeNextFile = true;
  #same: number;
  #taken: number;
  /** Lines of the last time that came by while it is sought. */
  #seen = 0;
  #found: boolean;
  #lines = 0;
  #toSkip = 0;
  #stage: Stage = "time";
  #words = "";
  /** Where another stream goes on, and a time that is surely behind it. */
  #until: readonly [TimeSlot, TimeSlot] | undefined;
  #reached = false;

  constructor(position: LogPosition) {
    this.#first = new TimeSlot(position.first);
    this.#last = new TimeSlot(position.last);
    this.#newest = new TimeSlot(position.newest);
    this.#same = position.same;
    this.#taken = position.taken;
    this.#found = position.last === "";
  }

  /** False as long as the last line that was read before has not come by. */
  get found(): boolean {
    return this.#found;
  }

  /** How many lines with a time came by. */
  get lines(): number {
    return this.#lines;
  }

  /** Time of the first line that came by; empty before. */
  get came(): string {
    return this.#came.text;
  }

  /**
   * True when the stream may begin with the file behind the one that was read, although its first lines have times that were read.
   * The node finishes a file while it writes to the next one already, so that the last lines of the one are stamped later.
   */
  get mayBeNextFile(): boolean {
    return this.#mayBeNextFile;
  }

  /** True when the line came by where another stream goes on: it and all behind it are left out. */
  get reached(): boolean {
    return this.#reached;
  }

  /**
   * Another stream goes on with the line of this time. One before it may be stamped a little later; and where the node's files part
   * inside a line, the stream that reads both brings that time not at all.
   */
  stopAt(time: string): void {
    const late = new Date(momentOf(time) + OVERLAP_MS).toISOString();
    this.#until = [new TimeSlot(time), new TimeSlot(`${late.slice(0, -1)}000000Z`)];
  }

  /** What the kubelet itself had to say. */
  get words(): string {
    return this.#words;
  }

  /** `held` bytes at the end of what was given out count as not taken. */
  position(held = 0): LogPosition {
    return {
      first: this.#first.text,
      last: this.#last.text,
      same: this.#same,
      newest: this.#newest.text,
      taken: this.#taken < 0 ? -1 : this.#taken - held,
    };
  }

  /** The next bytes of the stream. They are changed: the content moves together where it stands, so that nothing is allocated. */
  take(chunk: Uint8Array): Intake {
    let size = 0;
    let gap = false;
    for (let at = 0; at < chunk.length; ) {
      if (this.#stage === "time") {
        at = this.#takeTime(chunk, at);
        if (this.#time.complete) gap = this.#beginLine() || gap;
        continue;
      }
      const end = chunk.indexOf(NEWLINE, at);
      const upTo = end < 0 ? chunk.length : end + 1;
      let from = at;
      if (this.#stage === "words") this.#hear(chunk.subarray(at, upTo));
      if (this.#stage === "begun") from = this.#skipBegun(at, end < 0 ? upTo : end, end >= 0);
      if (this.#stage === "text") {
        chunk.copyWithin(size, from, upTo);
        size += upTo - from;
        this.#taken = end < 0 ? this.#taken + upTo - from : -1;
      }
      if (end >= 0) this.#stage = "time";
      at = upTo;
    }
    return { bytes: chunk.subarray(0, size), gap };
  }

  /** Takes a line's beginning as far as it is there. */
  #takeTime(chunk: Uint8Array, from: number): number {
    if (this.#time.empty && chunk[from + USUAL_TIME] === SPACE && this.#time.take(chunk, from, USUAL_TIME)) {
      return from + USUAL_TIME + 1;
    }
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      if (byte === SPACE && this.#time.isTime()) {
        this.#time.complete = true;
        return at + 1;
      }
      if (byte === NEWLINE || !this.#time.push(byte)) {
        this.#hear(this.#time.bytes);
        this.#time.clear();
        this.#stage = byte === NEWLINE ? "time" : "words";
        return byte === NEWLINE ? at + 1 : at;
      }
    }
    return chunk.length;
  }

  /** A line with a time begins; true when it shows that what was read before isn't in the log any more. */
  #beginLine(): boolean {
    const time = this.#time;
    let gap = false;
    this.#lines++;
    if (this.#came.empty) {
      this.#came.set(time);
      this.#mayBeNextFile = this.#found || momentOf(this.#newest.text) - momentOf(time.text) < OVERLAP_MS;
    }
    this.#reached ||= this.#until !== undefined && (time.equals(this.#until[0]) || time.isAfter(this.#until[1]));
    if (this.#reached) {
      this.#stage = "known";
      time.clear();
      return false;
    }
    if (!this.#found) {
      if (time.isAfter(this.#newest)) {
        gap = true;
        this.#found = true;
      } else {
        this.#seek(time);
        time.clear();
        return false;
      }
    }
    if (this.#first.empty) this.#first.set(time);
    if (this.#last.equals(time)) this.#same++;
    else {
      this.#last.set(time);
      this.#same = 1;
      if (this.#newest.empty || time.isAfter(this.#newest)) this.#newest.set(time);
    }
    this.#taken = 0;
    this.#stage = "text";
    time.clear();
    return gap;
  }

  #seek(time: TimeSlot): void {
    this.#stage = "known";
    if (!this.#last.equals(time) || ++this.#seen < this.#same) return;
    this.#found = true;
    if (this.#taken < 0) return;
    this.#toSkip = this.#taken;
    this.#stage = "begun";
  }

  /** Leaves out what was taken of the line before; answers where the new part begins. */
  #skipBegun(from: number, end: number, lineEnds: boolean): number {
    const skipped = Math.min(this.#toSkip, end - from);
    this.#toSkip -= skipped;
    // A line that is shorter now than it was has no new part but its end.
    if (this.#toSkip === 0 || lineEnds) this.#stage = "text";
    return from + skipped;
  }

  #hear(bytes: Uint8Array): void {
    if (!this.#found || this.#words.length >= WORDS_LIMIT) return;
    this.#words = (this.#words + new TextDecoder().decode(bytes)).slice(0, WORDS_LIMIT);
  }
}
