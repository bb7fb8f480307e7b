import { type Clock, sleep } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Executor } from "../executor/executor.ts";

/** What adoption stands on. */
export interface AdoptionOptions {
  /** Takes up every run whose object is there. */
  readonly adopt: () => Promise<void>;
  readonly executor: Pick<Executor, "check">;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the waiting. */
  readonly signal: AbortSignal;
}

/** The executor is asked so often why it doesn't tell which runs there are. */
const ASK_MS = 3000;

/**
 * The finding of the runs that were there before. A runner that can't see them, because it lacks a right or its cluster doesn't
 * answer, dials all the same, to say so; until it has them it carries out nothing that depends on them.
 */
export class Adoption {
  readonly #options: AdoptionOptions;
  #unknown: string | undefined = "they are being looked for";

  constructor(options: AdoptionOptions) {
    this.#options = options;
  }

  /** Why the runs aren't known; undefined when they are. */
  unknown(): string | undefined {
    return this.#unknown;
  }

  /**
   * Answers true when the runs are known, and false when the executor says why they can't be for now; then `onLate` is called
   * when they are. @throws what `adopt` throws in the meantime
   */
  async begin(onLate: () => void): Promise<boolean> {
    const { log, signal } = this.#options;
    const over = new AbortController();
    const adopted = this.#options.adopt().then(() => {
      this.#unknown = undefined;
    });
    adopted.then(
      () => over.abort(),
      () => over.abort(),
    );
    if (!(await this.#isStuck(AbortSignal.any([over.signal, signal])))) return adopted.then(() => true);
    log.error("The runner can't see its runs, and connects without them; it takes none until it can", {
      reason: this.#unknown,
    });
    void this.#keepAsking(AbortSignal.any([over.signal, signal]));
    adopted.then(
      () => {
        if (signal.aborted) return;
        log.info("The runner sees its runs now");
        onLate();
      },
      (error: unknown) => {
        if (!signal.aborted) log.error("The runner can't find its runs", { error: describeError(error) });
      },
    );
    return false;
  }

  /** True when the executor says that it can't work; false when there is nothing more to wait for. */
  async #isStuck(over: AbortSignal): Promise<boolean> {
    while (await this.#pause(over)) if (await this.#ask()) return !over.aborted;
    return false;
  }

  async #keepAsking(over: AbortSignal): Promise<void> {
    while (await this.#pause(over)) await this.#ask();
  }

  /** True when the executor can't work. */
  async #ask(): Promise<boolean> {
    const { healthy, message } = await this.#options.executor.check();
    if (!healthy && this.#unknown !== undefined) this.#unknown = message;
    return !healthy;
  }

  #pause(over: AbortSignal): Promise<boolean> {
    return sleep(this.#options.clock, ASK_MS, over).then(
      () => true,
      () => false,
    );
  }
}
