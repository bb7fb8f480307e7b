import type { Clock } from "../base/clock.ts";
import { Durations } from "../base/durations.ts";
import { cpuSeconds } from "../runtime/process-usage.ts";

const TICK_MS = 1000;
const TICKS_OF_CPU = 15;

/** Looks once a second how late the program's timers are, and every 15 seconds how much processor time was used. */
export class LoopWatch {
  readonly #clock: Clock;
  readonly #onTick: () => void;
  readonly #lag: Durations;
  #cpu: { readonly at: number; readonly seconds: number };
  #percent: number | undefined;
  #ticks = 0;
  #cancel: () => void = () => undefined;

  /** `onTick` is a sign of life of the timers. */
  constructor(clock: Clock, onTick: () => void) {
    this.#clock = clock;
    this.#onTick = onTick;
    this.#lag = new Durations(clock);
    this.#cpu = { at: clock.monotonic(), seconds: cpuSeconds() };
  }

  start(): void {
    const due = this.#clock.monotonic() + TICK_MS;
    this.#cancel = this.#clock.schedule(TICK_MS, () => this.#tick(due), { unref: true });
  }

  stop(): void {
    this.#cancel();
  }

  /** The longest lag of the last one to two minutes. */
  get lagSeconds(): number {
    return this.#lag.read().maxSeconds;
  }

  /** Processor time of the last 15 seconds, in percent of one processor; in the first 15 seconds, of all so far. */
  get cpuPercent(): number {
    return this.#percent ?? this.#percentSince(this.#cpu);
  }

  #tick(due: number): void {
    this.#lag.note(this.#clock.monotonic() - due);
    this.#ticks += 1;
    if (this.#ticks % TICKS_OF_CPU === 0) {
      this.#percent = this.#percentSince(this.#cpu);
      this.#cpu = { at: this.#clock.monotonic(), seconds: cpuSeconds() };
    }
    this.#onTick();
    this.start();
  }

  #percentSince(from: { readonly at: number; readonly seconds: number }): number {
    const passedMs = this.#clock.monotonic() - from.at;
    return passedMs <= 0 ? 0 : (100_000 * (cpuSeconds() - from.seconds)) / passedMs;
  }
}
