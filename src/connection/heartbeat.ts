import type { Clock } from "../base/clock.ts";

/** What a heartbeat needs. */
export interface HeartbeatOptions {
  readonly clock: Clock;
  /** A heartbeat is sent when nothing else was for this long. */
  readonly intervalMs: number;
  /** The peer counts as dead when no byte came for this long. */
  readonly silenceMs: number;
  readonly send: () => void;
  readonly onSilence: () => void;
}

/** A timer this late means that the whole process stood still; what arrived meanwhile has not been read yet. */
const STOOD_STILL_MS = 1_000;

/** Fills this side's silence and notices the other side's. */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #stops = new Map<string, () => void>();
  #sentAt: number;
  #aliveAt: number;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#sentAt = options.clock.monotonic();
    this.#aliveAt = this.#sentAt;
    this.#watchSending(options.intervalMs);
    this.#watchSilence(options.silenceMs);
  }

  /** Something was sent. */
  sent(): void {
    this.#sentAt = this.#options.clock.monotonic();
  }

  /** Bytes arrived. */
  alive(): void {
    this.#aliveAt = this.#options.clock.monotonic();
  }

  stop(): void {
    for (const stop of this.#stops.values()) stop();
    this.#stops.clear();
  }

  #watchSending(delayMs: number): void {
    this.#after("sending", delayMs, () => {
      const { clock, intervalMs, send } = this.#options;
      if (clock.monotonic() - this.#sentAt >= intervalMs) {
        send();
        this.sent();
      }
      this.#watchSending(Math.max(0, this.#sentAt + intervalMs - clock.monotonic()));
    });
  }

  #watchSilence(delayMs: number): void {
    const { clock, silenceMs, onSilence } = this.#options;
    const due = clock.monotonic() + delayMs;
    this.#after("silence", delayMs, () => {
      const now = clock.monotonic();
      const left = this.#aliveAt + silenceMs - now;
      if (left > 0) this.#watchSilence(left);
      else if (now - due > STOOD_STILL_MS) this.#watchSilence(STOOD_STILL_MS);
      else onSilence();
    });
  }

  #after(name: string, delayMs: number, task: () => void): void {
    this.#stops.set(name, this.#options.clock.schedule(delayMs, task));
  }
}
