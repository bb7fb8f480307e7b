import { type BackoffLimits, backoffDelay } from "../../base/backoff.ts";
import { type Clock, sleep } from "../../base/clock.ts";

/** How long the engine itself waits for a lock. It blocks the whole process meanwhile, so it is short. */
export const BLOCKING_WAIT_MS: number = 20;

/** How long a call may wait for others that write (the command line beside a live gateway) before it fails. */
const LIMIT_MS = 5000;
const RETRY: BackoffLimits = { floorMs: 1, baseMs: 4, capMs: 50 };
/** SQLite's primary result codes for a lock somebody else holds; extended codes have more bits above. */
const BUSY = 5;
const LOCKED = 6;

/** Tries again while the database is locked by others, letting the process go on in between. @throws what `work` throws */
export async function retryWhileBusy<T>(clock: Clock, work: () => T | Promise<T>): Promise<T> {
  const since = clock.monotonic();
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isBusy(error) || clock.monotonic() - since > LIMIT_MS) throw error;
    }
    await sleep(clock, backoffDelay(attempt, RETRY, clock));
  }
}

function isBusy(error: unknown): boolean {
  if (!(error instanceof Error) || !("errcode" in error) || typeof error.errcode !== "number") return false;
  const primary = error.errcode & 0xff;
  return primary === BUSY || primary === LOCKED;
}
