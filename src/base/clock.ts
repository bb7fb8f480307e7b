/**
 * The only source of time and chance: everything that waits, stamps or draws lots is handed a Clock,
 * so that tests can move it. No other file calls `Date.now`, `setTimeout` or `Math.random` (tested).
 */
export interface Clock {
  /** Wall time in epoch milliseconds. */
  now(): number;
  /** A steady count of milliseconds, for measuring how long something took. */
  monotonic(): number;
  /** A number in [0, 1). */
  random(): number;
  /** Calls `task` once after `delayMs`; the answer cancels it. An unref'd timer doesn't keep the process alive. */
  schedule(delayMs: number, task: () => void, options?: { unref?: boolean }): () => void;
}

/** The runtime's timers count to 2^31 - 1 ms, 24 days, and fire at once when they are asked for more. */
const LONGEST_TIMER_MS = 2_147_483_647;

/** The clock of the real world. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(),
  schedule(delayMs, task, options) {
    let timer: unknown;
    const arm = (leftMs: number): void => {
      const partMs = Math.min(leftMs, LONGEST_TIMER_MS);
      timer = setTimeout(() => (leftMs > partMs ? arm(leftMs - partMs) : task()), partMs);
      if (options?.unref === true) unref(timer);
    };
    arm(delayMs);
    return () => clearTimeout(timer as ReturnType<typeof setTimeout>);
  },
};

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) return reject(signal.reason);
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason);
    };
    const cancel = clock.schedule(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Resolves when what is ready by now has been handled: a way to let input come in without waiting for time to pass. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Settles as `work` does, or rejects with `onTimeout()` after `limitMs`. The work itself goes on: hand it a signal to end it. */
export function withLimit<T>(clock: Clock, limitMs: number, work: Promise<T>, onTimeout: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = clock.schedule(limitMs, () => reject(onTimeout()));
    work.then(resolve, reject).finally(cancel);
  });
}

/** A signal that aborts after `limitMs`; like every limit it doesn't keep the process alive. */
export function limitSignal(clock: Clock, limitMs: number): AbortSignal {
  const controller = new AbortController();
  clock.schedule(limitMs, () => controller.abort(new DOMException(`not done after ${limitMs} ms`, "TimeoutError")), {
    unref: true,
  });
  return controller.signal;
}

function unref(timer: unknown): void {
  if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function")
    timer.unref();
}
