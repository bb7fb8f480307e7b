import type { Clock } from "./clock.ts";

/** What was measured since the start, in seconds. */
export interface DurationsSnapshot {
  readonly count: number;
  readonly sumSeconds: number;
  /** The longest of the last one to two minutes. */
  readonly maxSeconds: number;
  /** How many took at most as long as each bound. */
  readonly buckets: readonly { readonly boundSeconds: number; readonly count: number }[];
}

const WINDOW_MS = 60_000;

/** Counts how long something takes, each time it is done. Plain numbers, kept where it happens and read by metrics. */
export class Durations {
  readonly #clock: Clock;
  readonly #buckets: { readonly boundSeconds: number; count: number }[];
  #count = 0;
  #sumSeconds = 0;
  #windowFrom: number;
  #windowMax = 0;
  #lastWindowMax = 0;

  /** `bounds` in seconds, rising; without them no buckets are kept. */
  constructor(clock: Clock, bounds: readonly number[] = []) {
    this.#clock = clock;
    this.#buckets = bounds.map((boundSeconds) => ({ boundSeconds, count: 0 }));
    this.#windowFrom = clock.monotonic();
  }

  /** It was done once more and took so long. */
  note(ms: number): void {
    const seconds = Math.max(0, ms) / 1000;
    this.#turnWindow();
    this.#count += 1;
    this.#sumSeconds += seconds;
    this.#windowMax = Math.max(this.#windowMax, seconds);
    for (const bucket of this.#buckets) if (seconds <= bucket.boundSeconds) bucket.count += 1;
  }

  read(): DurationsSnapshot {
    this.#turnWindow();
    return {
      count: this.#count,
      sumSeconds: this.#sumSeconds,
      maxSeconds: Math.max(this.#windowMax, this.#lastWindowMax),
      buckets: this.#buckets.map((bucket) => ({ ...bucket })),
    };
  }

  #turnWindow(): void {
    const age = this.#clock.monotonic() - this.#windowFrom;
    if (age < WINDOW_MS) return;
    this.#lastWindowMax = age < 2 * WINDOW_MS ? this.#windowMax : 0;
    this.#windowMax = 0;
    this.#windowFrom += Math.floor(age / WINDOW_MS) * WINDOW_MS;
  }
}
