import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Store } from "./store/store.ts";

/** The first look comes when the runners have had time to come back. */
const FIRST_MS = 60_000;
const LOOK_MS = 600_000;
/** Between two steps others come to the database. */
const STEP_MS = 250;
const DAY_MS = 86_400_000;
/** A run that is too many for its pipeline is kept for so long all the same: its runner may not have heard of its end being stored. */
const SURPLUS_MS = 3_600_000;
/** No runner ends so many runs of one pipeline within that time: what is more goes at the next look. */
const MOST_SURPLUS = 1_000;

/** What the retention stands on. */
export interface RetentionOptions {
  readonly store: Pick<Store, "removeOldRuns" | "removeTombstones">;
  /** Ended runs that are kept of each pipeline, however old they are not. */
  readonly keepRuns: number;
  readonly keepRunsDays: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Removes ended runs with their logs by age and by number, and tombstones that have done their work; a little at a time.
 * What hasn't ended is never removed. The answer stops it and resolves when nothing is removed any more.
 */
export function startRetention({ store, keepRuns, keepRunsDays, clock, log }: RetentionOptions): () => Promise<void> {
  let stopped = false;
  let cancel: () => void = () => undefined;
  let work: Promise<void> = Promise.resolve();
  let [runs, tombstones] = [0, 0];

  async function step(): Promise<boolean> {
    const now = clock.now();
    const closedBefore = now - keepRunsDays * DAY_MS;
    const old = await store.removeOldRuns({
      closedBefore,
      perPipeline: keepRuns,
      surplusClosedBefore: now - SURPLUS_MS,
      mostOfPipeline: keepRuns + MOST_SURPLUS,
    });
    runs += old.removed;
    if (old.more) return true;
    const graves = await store.removeTombstones(closedBefore);
    tombstones += graves.removed;
    return graves.more;
  }

  async function look(): Promise<number> {
    try {
      if (await step()) return STEP_MS;
      if (runs + tombstones > 0) log.info("What is older than is kept was removed", { runs, tombstones });
      [runs, tombstones] = [0, 0];
    } catch (error) {
      log.warn("Cannot remove what is older than is kept", { error: describeError(error) });
    }
    return LOOK_MS;
  }

  function arm(delayMs: number): void {
    cancel = clock.schedule(delayMs, () => {
      work = look().then((next) => {
        if (!stopped) arm(next);
      });
    });
  }

  arm(FIRST_MS);
  return async () => {
    stopped = true;
    cancel();
    await work;
  };
}
