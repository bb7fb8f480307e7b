import { type BackoffLimits, backoffDelay } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";

const RETRY: BackoffLimits = { floorMs: 500, baseMs: 1000, capMs: 60_000 };
/** Keys whose failures are remembered. */
const MAX_HELD = 10_000;

/**
 * Tasks under way, one for each key and at most `limit` together. A task that failed is held back for a growing while;
 * `wake` is called whenever something may be launched that couldn't before.
 */
export class Flights {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #wake: () => void;
  readonly #onError: (key: string, error: unknown) => void;
  readonly #tasks = new Map<string, Promise<void>>();
  readonly #held = new Map<string, { readonly failures: number; cancel: (() => void) | undefined }>();
  #closed = false;

  constructor(clock: Clock, limit: number, wake: () => void, onError: (key: string, error: unknown) => void) {
    this.#clock = clock;
    this.#limit = limit;
    this.#wake = wake;
    this.#onError = onError;
  }

  /** True while the task of this key is under way. */
  has(key: string): boolean {
    return this.#tasks.has(key);
  }

  /**
   * Starts the task unless one of this key is under way or held back, or too many are. The task answers `done`, or
   * `later` to be held back.
   */
  launch(key: string, task: () => Promise<"done" | "later">): boolean {
    if (this.#closed || this.#tasks.has(key) || this.#tasks.size >= this.#limit) return false;
    if (this.#held.get(key)?.cancel !== undefined) return false;
    this.#tasks.set(key, this.#run(key, task));
    return true;
  }

  /** Starts nothing more and forgets what was held back. */
  close(): void {
    this.#closed = true;
    for (const { cancel } of this.#held.values()) cancel?.();
    this.#held.clear();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#tasks.values());
  }

  async #run(key: string, task: () => Promise<"done" | "later">): Promise<void> {
    let outcome: "done" | "later" = "later";
    try {
      outcome = await task();
    } catch (error) {
      this.#onError(key, error);
    }
    this.#tasks.delete(key);
    if (this.#closed) return;
    if (outcome === "later") this.#hold(key);
    else this.#held.delete(key);
    this.#wake();
  }

  #forget(key: string): void {
    this.#held.get(key)?.cancel?.();
    this.#held.delete(key);
  }

  #hold(key: string): void {
    const failures = (this.#held.get(key)?.failures ?? 0) + 1;
    const entry: { readonly failures: number; cancel: (() => void) | undefined } = { failures, cancel: undefined };
    entry.cancel = this.#clock.schedule(backoffDelay(failures - 1, RETRY, this.#clock), () => {
      entry.cancel = undefined;
      this.#wake();
    });
    this.#held.set(key, entry);
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_HELD && oldest !== undefined) this.#forget(oldest);
  }
}
