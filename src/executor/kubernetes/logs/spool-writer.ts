import { CharacterStream, joined } from "./characters.ts";
import type { LogIntake } from "./log-intake.ts";
import type { LogReading, LogStreamOptions, ReadOptions } from "./log-stream.ts";
import { beginningGone, ROTATED_HERE } from "./markers.ts";

/** Content is written when there is so much of it, or after a while. */
const WRITE_BYTES = 65_536;
const WRITE_AFTER_MS = 50;

/**
 * Gathers what comes for a moment, since it comes line by line, and writes it to the spool. What the intake has taken and what
 * the spool has move on together.
 */
export class SpoolWriter {
  readonly #options: LogStreamOptions;
  readonly #epoch: number;
  readonly #intake: LogIntake;
  /** Whoever waits for the stream shall look here. */
  readonly #tell: () => void;
  #characters = new CharacterStream();
  #how: ReadOptions = { gap: "mark" };
  #chunks: Uint8Array[] = [];
  #size = 0;
  /** What came behind a gap, while that stops. */
  #beyond: Uint8Array | undefined;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lookedAtFront = false;
  /** Why the spool can't be written. */
  trouble: unknown;

  constructor(options: LogStreamOptions, intake: LogIntake, tell: () => void) {
    this.#options = options;
    this.#epoch = options.spool.epoch;
    this.#intake = intake;
    this.#tell = tell;
  }

  /** True when what came is not written because something is missing before it. */
  get isBeforeGap(): boolean {
    return this.#beyond !== undefined;
  }

  /** True when nothing more can be taken now. */
  get isStopped(): boolean {
    const isDone = this.#intake.reached || (this.#how.peek === true && this.#isFound);
    return isDone || this.isBeforeGap || this.trouble !== undefined || this.#epoch !== this.#options.spool.epoch;
  }

  get #isFound(): boolean {
    return this.#intake.found && this.#intake.lines > 0;
  }

  async goOn(how: ReadOptions): Promise<void> {
    this.#how = how;
    if (this.#beyond === undefined) {
      const { held } = this.#characters;
      const isElsewhere = this.#intake.goOnFrom(this.#options.spool.facts.position, held);
      if (isElsewhere) this.#characters = new CharacterStream();
    } else if (how.gap !== "stop") {
      const bytes = this.#beyond;
      this.#beyond = undefined;
      await this.#append(bytes, true);
    }
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
    const isFirst = this.#options.spool.facts.position.last === "";
    const taken = this.#intake.take(joined(this.#chunks));
    const { bytes } = taken;
    // Where nothing was read, nothing shows that nothing is missing.
    const gap = taken.gap || (isFirst && this.#how.gap === "stop" && bytes.length > 0);
    this.#chunks = [];
    this.#size = 0;
    if (gap && this.#how.gap === "stop") {
      this.#beyond = bytes;
      return this.#tell();
    }
    if (bytes.length > 0 || gap) await this.#append(bytes, gap);
    if (this.isStopped) this.#tell();
  }

  async #append(bytes: Uint8Array, gap: boolean): Promise<void> {
    const { spool } = this.#options;
    const content = this.#characters.push(bytes);
    const mark = gap && this.#how.gap === "mark" ? ROTATED_HERE : this.#frontMark();
    try {
      if (mark !== undefined) await spool.note(mark, "doubted");
      await spool.append(content, this.#intake.position(this.#characters.held), this.#epoch);
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
