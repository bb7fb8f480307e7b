import type { Clock } from "../../src/base/clock.ts";

/** A clock that stands still until a test moves it. */
export class FakeClock implements Clock {
  #now: number;
  #elapsed = 0;
  #timers: { at: number; task: () => void }[] = [];
  readonly #random: () => number;

  constructor(now = 1_700_000_000_000, random: () => number = () => 0.5) {
    this.#now = now;
    this.#random = random;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  random(): number {
    return this.#random();
  }

  schedule(delayMs: number, task: () => void): () => void {
    const timer = { at: this.#elapsed + Math.max(0, delayMs), task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** How many timers are waiting. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Moves time on, running what falls due in order; promises get a turn after each timer. */
  async advance(ms: number): Promise<void> {
    const end = this.#elapsed + ms;
    await turn();
    for (let next = this.#due(end); next !== undefined; next = this.#due(end)) {
      this.#now += next.at - this.#elapsed;
      this.#elapsed = next.at;
      this.#timers = this.#timers.filter((other) => other !== next);
      next.task();
      await turn();
    }
    this.#now += end - this.#elapsed;
    this.#elapsed = end;
    await turn();
  }

  /** Sets the wall clock without letting time pass, as an administrator or NTP would. */
  setWallTime(now: number): void {
    this.#now = now;
  }

  #due(end: number): { at: number; task: () => void } | undefined {
    return this.#timers.filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
  }
}

async function turn(): Promise<void> {
  for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve));
}
