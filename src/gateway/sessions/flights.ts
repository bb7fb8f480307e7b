import { type BackoffLimits, backoffDelay } from "../../base/backoff.ts";
import type { Clock } from "../../base/clock.ts";

const RETRY: BackoffLimits = { floorMs: 500, baseMs: 1000, capMs: 60_000 };
/** Keys whose failures are remembered. */
const MAX_HELD = 10_000;
/** While tasks are queued, whoever waits for `wake` is called once for so many finished ones: a call looks at everything. */
const WAKE_EVERY = 100;

type Task = () => Promise<"done" | "later">;

/**
 * Tasks under way, one for each key and at most `limit` together. A task that failed is held back for a growing while;
 * `wake` is called whenever something may be launched that couldn't before.
 */
export class Flights {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #reserved: number;
  readonly #wake: () => void;
  readonly #onError: (key: string, error: unknown) => void;
  readonly #tasks = new Map<string, Promise<void>>();
  readonly #queued = new Map<string, Task>();
  #finished = 0;
  readonly #held = new Map<string, { readonly failures: number; cancel: (() => void) | undefined }>();
  #closed = false;

  /** `reserved` of the `limit` places are kept from queued tasks. */
  constructor(
    clock: Clock,
    limit: number,
    wake: () => void,
    onError: (key: string, error: unknown) => void,
    reserved = 0,
  ) {
    this.#clock = clock;
    this.#limit = limit;
    this.#reserved = reserved;
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
  launch(key: string, task: Task): boolean {
    if (this.#closed || this.#tasks.has(key) || this.#tasks.size >= this.#limit) return false;
    if (this.#held.get(key)?.cancel !== undefined) return false;
    this.#tasks.set(key, this.#run(key, task));
    return true;
  }

  /** Puts these tasks in place of all that are queued: each is launched as soon as there is room, unless it is held back. */
  launchAll(tasks: readonly (readonly [key: string, task: Task])[]): void {
    this.#queued.clear();
    for (const [key, task] of tasks) this.#queued.set(key, task);
    this.#launchQueued();
  }

  /** Starts nothing more and forgets what was queued or held back. */
  close(): void {
    this.#closed = true;
    this.#queued.clear();
    for (const { cancel } of this.#held.values()) cancel?.();
    this.#held.clear();
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    await Promise.all(this.#tasks.values());
  }

  #launchQueued(): void {
    for (const [key, task] of this.#queued) {
      if (this.#tasks.size >= this.#limit - this.#reserved) return;
      this.#queued.delete(key);
      this.launch(key, task);
    }
  }

  async #run(key: string, task: Task): Promise<void> {
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
    this.#launchQueued();
    if (this.#queued.size === 0 || ++this.#finished % WAKE_EVERY === 0) this.#wake();
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
