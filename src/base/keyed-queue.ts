/**
 * Runs tasks one after another where their keys are equal, and side by side where they differ.
 * Holds nothing for a key without a task; how many tasks wait is bounded by whoever hands them in.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Settles as `task` does, which starts when every earlier task of this key has settled. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const result = before.then(task, task);
    const tail = result.then(noop, noop).finally(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    this.#tails.set(key, tail);
    return result;
  }

  /** Keys that have a task now. */
  get busyKeys(): number {
    return this.#tails.size;
  }
}

function noop(): void {
  // a failure belongs to whoever handed in the task
}
