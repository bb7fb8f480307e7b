import type { FollowOptions } from "./follow-options.ts";
import { momentOf } from "./line-times.ts";

const LOOK_MS = 1_000;
/** While others wait, one that says nothing gives its place away after this, and one that talks after the other. */
const SHARED_SILENCE_MS = 2_000;
const SHARED_TURN_MS = 10_000;
/** So much must have come before a file may have been rotated. */
export const BUSY_BYTES = 1_048_576;
/** Silence after which it is asked whether there is more than the stream brings; sooner where the file may have been rotated. */
const DOUBT_MS = 15_000;
const BUSY_DOUBT_MS = 2_000;
/** So far a stream may fall behind the program. */
const LAG_MS = 2_000;
/** While files wait to be read it is looked so often whether there is one more. */
const FILES_MS = 2_500;
/** A stream whose file was rotated away has brought all of it when it says nothing for so long. */
const READ_SILENCE_MS = 5_000;
/** The kubelet ends a stream within a second or two after the container. */
const OVER_SILENCE_MS = 10_000;

/** Why a stream is paused: for others, because all is here, because there may be more than it brings, or because it brings nothing. */
export type PauseReason = "yielded" | "whole" | "behind" | "silent";

/** What a stream that is read stands in. */
export interface StreamState {
  /** When following began, by the monotonic clock. */
  readonly began: number;
  /** It follows; otherwise it ends with its file. */
  readonly follows: boolean;
  /** The node was asked for more since the container has ended. */
  readonly askedLast: boolean;
  /** No other stream goes on behind this one. */
  readonly isLast: boolean;
  /** Time of the first line of the file that the newest stream reads; empty when that isn't known. */
  readonly file: () => string;
  /** The newest stream reads the node's file of now, which begins with this time, if that is known. */
  readonly setCurrent: (file?: string) => void;
}

/** Looks at an open stream once a second and pauses it when something else may do better. */
export class StreamWatch {
  readonly #options: FollowOptions;
  readonly #state: StreamState;
  readonly #pause = new AbortController();
  #heardAt: number;
  #bytes = 0;
  /** Time of the last line at the last look. */
  #seen: string;
  #askedAt: number;
  #asking = false;
  #cancel: () => void = () => undefined;
  why: PauseReason | undefined;

  constructor(options: FollowOptions, state: StreamState) {
    this.#options = options;
    this.#state = state;
    this.#heardAt = options.clock.monotonic();
    this.#askedAt = this.#heardAt;
    this.#seen = options.position().last;
    this.#lookLater();
  }

  get signal(): AbortSignal {
    return this.#pause.signal;
  }

  heard(bytes: number): void {
    this.#heardAt = this.#options.clock.monotonic();
    this.#bytes += bytes;
  }

  close(): void {
    this.#cancel();
    this.#pause.abort();
  }

  look(): void {
    if (this.why !== undefined) return;
    this.#cancel();
    const reason = this.#reason();
    if (reason === undefined) this.#lookLater();
    else this.#leave(reason);
  }

  #lookLater(): void {
    this.#cancel = this.#options.clock.schedule(LOOK_MS, () => this.look(), { unref: true });
  }

  #reason(): PauseReason | undefined {
    const { over, crowded, clock } = this.#options;
    const { isLast, follows, askedLast, began } = this.#state;
    const now = clock.monotonic();
    const silence = now - this.#heardAt;
    const end = over();
    if (end === "whole") return "whole";
    const isReplaced = !isLast || !follows;
    if (isReplaced && end === undefined && now - this.#askedAt > FILES_MS) {
      this.#askedAt = now;
      this.#ask(() => this.#isRotatedAgain());
    }
    if (isReplaced) return silence > (follows ? READ_SILENCE_MS : OVER_SILENCE_MS) ? "silent" : undefined;
    if (end !== undefined && !askedLast) return "behind";
    if (end !== undefined) return silence > OVER_SILENCE_MS ? "silent" : undefined;
    if (crowded() && (silence > SHARED_SILENCE_MS || now - began > SHARED_TURN_MS)) return "yielded";
    const doubtMs = this.#bytes > BUSY_BYTES ? BUSY_DOUBT_MS : DOUBT_MS;
    if (silence > doubtMs && now - this.#askedAt > doubtMs) {
      this.#askedAt = now;
      this.#bytes = 0;
      this.#ask(() => this.#isSilentInVain());
    }
    return this.#isLate() ? "behind" : undefined;
  }

  /** What can't be asked now is asked again later. */
  #ask(question: () => Promise<boolean>): void {
    if (this.#asking) return;
    this.#asking = true;
    question()
      .then((isBehind) => {
        if (isBehind) this.#leave("behind");
      })
      .catch(() => undefined)
      .finally(() => {
        this.#asking = false;
      });
  }

  /** The node's file is another one than that of the newest stream. */
  async #isRotatedAgain(): Promise<boolean> {
    const { file, setCurrent } = this.#state;
    const time = await this.#options.timeOf("first", this.signal);
    const isSame = time === file() || file() === "";
    if (isSame) setCurrent(time);
    return !isSame && time !== "";
  }

  /** The node has more than this stream brings. */
  async #isSilentInVain(): Promise<boolean> {
    const { memory, position, timeOf } = this.#options;
    const before = this.#heardAt;
    const time = await timeOf("last", this.signal);
    const { last, newest } = position();
    const known = ["", last, newest, memory.doubted].includes(time);
    if (known || this.#heardAt !== before) return false;
    memory.doubted = time;
    return true;
  }

  /** Only new lines tell: the last line of a program that says nothing grows old. */
  #isLate(): boolean {
    const { memory, position, clock } = this.#options;
    const { last } = position();
    const lag = clock.now() - momentOf(last);
    if (last === this.#seen || Number.isNaN(lag)) return false;
    this.#seen = last;
    memory.leastLagMs = Math.min(memory.leastLagMs, lag);
    const isLate = lag - memory.leastLagMs > LAG_MS;
    if (!isLate) this.#state.setCurrent();
    return isLate;
  }

  #leave(why: PauseReason): void {
    if (this.why !== undefined) return;
    this.why = why;
    this.#pause.abort(new Error(`The stream of a log is paused: ${why}`));
  }
}
