import { LogIntake, type LogPosition, NOTHING_READ } from "../stream/log-intake.ts";
import type { LogReading, LogStreamOptions, ReadOptions } from "../stream/log-stream.ts";
import { CharacterStream, joined } from "./characters.ts";
import { beginningGone, ROTATED_HERE } from "./markers.ts";

/** Content is written when there is so much of it, or after a while. */
const WRITE_BYTES = 65_536;
const WRITE_AFTER_MS = 50;
/** So much of a stream is kept while it isn't known whether it was read before. */
const KEPT_BYTES = 8_388_608;

/**
 * Gathers what comes for a moment, since it comes line by line, and writes it to the spool. What the intake has taken and what
 * the spool has move on together. Whether the beginning of a stream was read before shows only later: so it is kept, and taken
 * once more, all of it, when the stream turns out to be of another file.
 */
export class SpoolWriter {
  readonly #options: LogStreamOptions;
  readonly #epoch: number;
  /** Whoever waits for the stream shall look here. */
  readonly #tell: () => void;
  #intake: LogIntake;
  /** The spool's when this stream was read last. */
  #position: LogPosition;
  #characters = new CharacterStream();
  #how: ReadOptions = { gap: "mark" };
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** What came while the spool's end was sought, and whether something before it is kept no more. */
  #kept: Uint8Array[] = [];
  #isCut = false;
  #isBeforeGap = false;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lookedAtFront = false;
  /** Why the spool can't be written. */
  trouble: unknown;

  constructor(options: LogStreamOptions, tell: () => void) {
    this.#options = options;
    this.#epoch = options.spool.epoch;
    this.#position = options.spool.facts.position;
    this.#intake = new LogIntake(this.#position);
    this.#tell = tell;
  }

  /** What has come of the stream. */
  get intake(): Pick<LogIntake, "came" | "reached" | "words"> {
    return this.#intake;
  }

  /** True when what came is not written because something is missing before it. */
  get isBeforeGap(): boolean {
    return this.#isBeforeGap;
  }

  /** True when the spool's end was found in the stream. */
  get isFound(): boolean {
    return this.#intake.found && this.#intake.lines > 0 && !this.#isBeforeGap;
  }

  /** True when nothing more can be taken now. */
  get isStopped(): boolean {
    const isDone = this.#intake.reached || (this.#how.peek === true && this.isFound);
    return isDone || this.#isBeforeGap || this.trouble !== undefined || this.#epoch !== this.#options.spool.epoch;
  }

  /** Goes on where the spool ends now. */
  async goOn(how: ReadOptions): Promise<void> {
    this.#how = how;
    const { position } = this.#options.spool.facts;
    if (this.#isBeforeGap || this.#position !== position) {
      this.#position = position;
      this.#intake = new LogIntake(position);
      this.#characters = new CharacterStream();
      this.#chunks.unshift(...this.#kept.splice(0));
      this.#size = this.#chunks.reduce((size, chunk) => size + chunk.length, 0);
      this.#isBeforeGap = false;
    }
    if (how.until !== undefined) this.#intake.stopAt(how.until);
    await this.flush();
  }

  /** Takes a piece of stream; answers when the next may come if that is not at once, so that a slow disk slows the stream. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= WRITE_BYTES) return this.flush();
    this.#cancel ??= this.#options.clock.schedule(WRITE_AFTER_MS, () => void this.flush(), { unref: true });
    return undefined;
  }

  /** Writes what is there. */
  flush(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#writing = this.#writing.then(() => this.#write());
    return this.#writing;
  }

  rest(): LogReading["rest"] {
    const bytes = this.#characters.held;
    return { bytes, text: this.#characters.end() };
  }

  async #write(): Promise<void> {
    if (this.#size === 0 || this.isStopped) return;
    const { gap: how } = this.#how;
    // Where nothing was read, nothing shows that nothing is missing.
    const isFirst = this.#position.last === "" && how === "stop";
    const isSought = isFirst || !this.#intake.found;
    const came = joined(this.#chunks);
    this.#chunks = [];
    this.#size = 0;
    if (isSought) this.#kept.push(came.slice());
    let { bytes, gap } = this.#intake.take(came);
    if (isSought) this.#forget();
    if (isFirst) gap = bytes.length > 0;
    if (gap && how === "stop") {
      this.#isBeforeGap = true;
      return this.#tell();
    }
    if (gap && !this.#isCut) bytes = this.#takeAll();
    if (this.#intake.found) this.#kept = [];
    if (bytes.length > 0 || gap) await this.#append(bytes, gap && (how === "mark" || this.#isCut));
    if (this.isStopped) this.#tell();
  }

  /** Keeps no more than is needed: of a stream that begins long before the spool's end, only what came last. */
  #forget(): void {
    const size = this.#kept.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#isCut ||= !this.#intake.mayBeNextFile || size > KEPT_BYTES;
    if (this.#isCut) this.#kept.splice(0, this.#kept.length - 1);
  }

  /** The stream is of another file than what was read, so that all of it is new. */
  #takeAll(): Uint8Array {
    const { first } = this.#position;
    const { until } = this.#how;
    this.#intake = new LogIntake({ ...NOTHING_READ, first });
    if (until !== undefined) this.#intake.stopAt(until);
    return this.#intake.take(joined(this.#kept)).bytes;
  }

  async #append(bytes: Uint8Array, isMarked: boolean): Promise<void> {
    const { spool } = this.#options;
    const content = this.#characters.push(bytes);
    const mark = isMarked ? ROTATED_HERE : this.#frontMark();
    this.#position = this.#intake.position(this.#characters.held);
    try {
      if (mark !== undefined) await spool.note(mark, "doubted");
      await spool.append(content, this.#position, this.#epoch);
    } catch (error) {
      this.trouble = error;
      this.#tell();
    }
  }

  /** What is said in front of a log's first line. */
  #frontMark(): string | undefined {
    const { front, spool } = this.#options;
    if (front === undefined || this.#lookedAtFront || spool.facts.content > 0) return undefined;
    this.#lookedAtFront = true;
    const { first } = this.#intake.position();
    return front(first) ? beginningGone(first) : undefined;
  }
}
