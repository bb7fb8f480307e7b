import type { Clock } from "./clock.ts";

/** A loop that has gone silent. */
export interface SilentLoop {
  readonly name: string;
  readonly silentMs: number;
}

/**
 * Signs of life of a program's own loops. That a program still answers doesn't mean that its parts go on: each loop beats
 * here as often as it goes round, and one that doesn't for longer than it promised is stuck.
 */
export class Pulses {
  readonly #clock: Clock;
  readonly #loops = new Map<string, { at: number; readonly limitMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A loop that goes round at least once in `limitMs`; the answer is called at each round. The first round counts from now. */
  loop(name: string, limitMs: number): () => void {
    const loop = { at: this.#clock.monotonic(), limitMs };
    this.#loops.set(name, loop);
    return () => {
      loop.at = this.#clock.monotonic();
    };
  }

  /** Loops that are stuck. */
  silent(): readonly SilentLoop[] {
    const now = this.#clock.monotonic();
    return [...this.#loops]
      .map(([name, { at, limitMs }]) => ({ name, silentMs: now - at, limitMs }))
      .filter(({ silentMs, limitMs }) => silentMs > limitMs)
      .map(({ name, silentMs }) => ({ name, silentMs }));
  }
}
