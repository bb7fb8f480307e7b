import { type Clock, sleep } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";

/** So many runs that nobody ordered a runner may tell at once, as after weeks without a line, */
const BURST = 1000;
/** and so many a second in the long run. No schedules fire so often. */
const INTERVAL_MS = 20;
/** Longer nobody is held up for one run, whatever was told before. */
const MOST_WAIT_MS = 1000;
const MOST_RUNNERS = 10_000;

/** Holds up who tells of runs that nobody ordered faster than they are taken; resolves when the next may be. */
export type AddedRunsPace = (runnerId: string) => Promise<void>;

/**
 * Makes one for all runners; each has a pace of its own. A runner waits for what it told before its next update is acknowledged, so
 * nothing is lost, and a wrong or hostile one can't crowd the store.
 */
export function createAddedRunsPace(clock: Clock, log: Log): AddedRunsPace {
  /** When each would have told so many runs at the pace of the long run; by the steady clock. */
  const paid = new Map<string, { readonly until: number; readonly isTold: boolean }>();
  return async (runnerId) => {
    const now = clock.monotonic();
    const { until = now, isTold = false } = paid.get(runnerId) ?? {};
    const next = Math.max(until, now) + INTERVAL_MS;
    const wait = Math.min(next - now - BURST * INTERVAL_MS, MOST_WAIT_MS);
    paid.delete(runnerId);
    paid.set(runnerId, { until: Math.min(next, now + BURST * INTERVAL_MS + MOST_WAIT_MS), isTold: isTold || wait > 0 });
    const [oldest] = paid.keys();
    if (paid.size > MOST_RUNNERS && oldest !== undefined) paid.delete(oldest);
    if (wait <= 0) return;
    if (!isTold) log.warn("A runner tells of too many runs that nobody ordered: it is heard more slowly", { runnerId });
    await sleep(clock, wait);
  };
}
