import { type Clock, withLimit } from "./clock.ts";
import { CodedError, defineErrors, describeError, type ErrorKind } from "./errors.ts";
import type { Log } from "./log.ts";

/** Error kinds of the base folder. */
export const BASE_ERRORS: { readonly StopTimedOut: ErrorKind<"StopTimedOut"> } = defineErrors({
  StopTimedOut: {
    retryable: false,
    advice: "Report it with the log lines before it: a part of the program did not stop in time",
  },
});

/**
 * Owns what has been started, in order, and stops it in reverse order; each stop has a limit,
 * and one that fails or hangs doesn't keep the others from stopping.
 */
export class Scope {
  readonly #owned: { name: string; stop: () => void | Promise<void> }[] = [];
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** Takes over `stop`, to be called when the scope closes. */
  own(name: string, stop: () => void | Promise<void>): void {
    this.#owned.push({ name, stop });
  }

  /** Stops everything, newest first, each within `limitMs`. Never throws; what failed is logged. */
  async close(limitMs = 5000): Promise<void> {
    for (let part = this.#owned.pop(); part !== undefined; part = this.#owned.pop()) {
      const { name, stop } = part;
      try {
        await withLimit(this.#clock, limitMs, Promise.resolve().then(stop), () => {
          return new CodedError(BASE_ERRORS.StopTimedOut, `Cannot stop ${name}: not done after ${limitMs} ms`);
        });
      } catch (error) {
        this.#log.warn("A part did not stop cleanly", { part: name, error: describeError(error) });
      }
    }
  }
}
