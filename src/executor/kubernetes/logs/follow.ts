import type { Clock } from "../../../base/clock.ts";
import { momentOf } from "./line-times.ts";
import type { LogPosition } from "./log-intake.ts";
import type { LogReading } from "./log-stream.ts";

const LOOK_MS = 1_000;
/** While others wait, one that says nothing gives its place away after this, and one that talks after the other. */
const SHARED_SILENCE_MS = 2_000;
const SHARED_TURN_MS = 10_000;
/** Silence after which it is asked whether there is more than the stream brings. */
const DOUBT_MS = 15_000;
/** So far a stream may fall behind the program. */
const LAG_MS = 2_000;

/** What is known of a log's streams, kept from one to the next. */
export interface StreamMemory {
  /** The time that made a silent stream doubtful: it is that of a part of a line when nothing new came of it. */
  doubted: string;
  /** The shortest time from a line's stamp to its arrival, in milliseconds: clocks may differ, so that it may be below 0. */
  leastLagMs: number;
}

/** What following a log stands on. */
export interface FollowOptions {
  readonly clock: Clock;
  /** True when others wait for this one's place. */
  readonly crowded: () => boolean;
  readonly position: () => LogPosition;
  /** Opens the stream. */
  readonly read: (options: { readonly signal: AbortSignal; readonly onBytes: () => void }) => Promise<LogReading>;
  /** Time of the first or last line that the node has now. */
  readonly timeOf: (which: "first" | "last", signal: AbortSignal) => Promise<string>;
  readonly memory: StreamMemory;
}

/** How following ended: by itself, for others, or because the stream brings less than there is. */
export type FollowEnd = "ended" | "yielded" | "behind";

/**
 * Follows a log as long as its stream goes on and keeps up. A stream can stay open and silent while the program prints on, after a
 * rotation for example (https://github.com/kubernetes/kubernetes/issues/115701), so silence is doubted. It can also fall behind:
 * the kubelet sends a followed log line by line, and when two rotations have passed it, it leaves out what was in between
 * without a word. Reading without following is much faster and catches up. @throws what `read` throws
 */
export async function followLog(options: FollowOptions): Promise<{ readonly bytes: number; readonly end: FollowEnd }> {
  const watch = new StreamWatch(options);
  try {
    const { bytes } = await options.read({ signal: watch.signal, onBytes: () => watch.heard() });
    return { bytes, end: watch.end };
  } finally {
    watch.close();
  }
}

/** Looks at an open stream once a second and ends it when something else would do better. */
class StreamWatch {
  readonly #options: FollowOptions;
  readonly #stop = new AbortController();
  readonly #began: number;
  #heardAt: number;
  /** Time of the last line at the last look. */
  #seen: string;
  #doubtedAt: number;
  #asking = false;
  #cancel: () => void;
  end: FollowEnd = "ended";

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#began = options.clock.monotonic();
    this.#heardAt = this.#began;
    this.#seen = options.position().last;
    this.#doubtedAt = this.#began;
    this.#cancel = this.#schedule();
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  heard(): void {
    this.#heardAt = this.#options.clock.monotonic();
  }

  close(): void {
    this.#cancel();
    this.#stop.abort();
  }

  #schedule(): () => void {
    return this.#options.clock.schedule(LOOK_MS, () => this.#look(), { unref: true });
  }

  #look(): void {
    const now = this.#options.clock.monotonic();
    const silence = now - this.#heardAt;
    if (this.#options.crowded() && (silence > SHARED_SILENCE_MS || now - this.#began > SHARED_TURN_MS)) {
      this.#leave("yielded");
      return;
    }
    if (silence > DOUBT_MS && now - this.#doubtedAt > DOUBT_MS) {
      this.#doubtedAt = now;
      this.#ask(() => this.#isSilentInVain());
    } else if (this.#isLate()) this.#ask(() => this.#isFasterWithout());
    this.#cancel = this.#schedule();
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
    return lag - memory.leastLagMs > LAG_MS;
  }

  /** As long as the node's file still has our last line, reading without following leaves nothing out. */
  async #isFasterWithout(): Promise<boolean> {
    const first = await this.#options.timeOf("first", this.signal);
    return first !== "" && momentOf(first) <= momentOf(this.#options.position().last);
  }

  #leave(why: FollowEnd): void {
    this.end = why;
    this.#stop.abort(new Error(`The stream of a log is ${why}`));
  }
}
