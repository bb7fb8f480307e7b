import type { Clock } from "./clock.ts";

/** What a sweeper stands on. */
export interface SweeperOptions {
  readonly clock: Clock;
  /** What is to be removed now. */
  readonly due: () => readonly string[];
  /** Removes one; keeps it among what is due when that fails, and doesn't throw. */
  readonly remove: (id: string) => Promise<void>;
  /** Milliseconds until the next one is due; undefined when nothing is left. */
  readonly untilNext: () => number | undefined;
}

const SOONEST_MS = 1_000;
/** Moments on the wall clock may move, and what couldn't be removed is tried again. */
const LATEST_MS = 600_000;

/** Removes what is due, now and whenever something becomes due. */
export class Sweeper {
  readonly #options: SweeperOptions;
  #sweeping: Promise<void> | undefined;
  #again = false;
  #cancel: () => void = () => undefined;
  #closed = false;

  constructor(options: SweeperOptions) {
    this.#options = options;
  }

  /** One sweep at a time; whoever asks meanwhile gets one more. */
  sweep(): Promise<void> {
    this.#again = true;
    this.#sweeping ??= this.#sweeps().finally(() => {
      this.#sweeping = undefined;
    });
    return this.#sweeping;
  }

  /** Removes nothing any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#cancel();
    await this.#sweeping;
  }

  async #sweeps(): Promise<void> {
    const { clock, due, remove, untilNext } = this.#options;
    while (this.#again && !this.#closed) {
      this.#again = false;
      for (const id of due()) await remove(id);
    }
    this.#cancel();
    const wait = this.#closed ? undefined : untilNext();
    if (wait === undefined) return;
    const ms = Math.min(Math.max(wait, SOONEST_MS), LATEST_MS);
    this.#cancel = clock.schedule(ms, () => void this.sweep(), { unref: true });
  }
}
