import { CodedError } from "../base/errors.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";

/**
 * How many calls may be under way at once; others wait in the order they came. Waiting here is this program's own doing, so it
 * is counted, and so many may wait and no more.
 */
export class Places {
  #free: number;
  readonly #maxWaiting: number;
  readonly #queue: { readonly go: () => void; readonly signal: AbortSignal }[] = [];

  constructor(places: number, maxWaiting: number) {
    this.#free = places;
    this.#maxWaiting = maxWaiting;
  }

  /** Callers without a place yet. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Resolves with a function that gives the place back; calling it twice is harmless. @throws the signal's reason, CodedError ApiThrottled when too many wait */
  async take(signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free -= 1;
    else await this.#wait(signal);
    let held = true;
    return () => {
      if (held) this.#giveBack();
      held = false;
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    if (this.#queue.length >= this.#maxWaiting) {
      throw new CodedError(
        KUBERNETES_ERRORS.ApiThrottled,
        `Cannot call the API server: ${this.#queue.length} calls of this program wait already`,
      );
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.#queue.splice(this.#queue.indexOf(entry), 1);
        reject(signal.reason);
      };
      const go = (): void => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const entry = { go, signal };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#queue.push(entry);
    });
  }

  #giveBack(): void {
    const next = this.#queue.shift();
    if (next === undefined) this.#free += 1;
    else next.go();
  }
}
