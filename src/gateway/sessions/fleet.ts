import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Store } from "../store/store.ts";

/** So many runners may dial in one second, on average, when all have lost their sessions at once. */
const DIALS_PER_SECOND = 20;
/** Runners not seen for so long are not expected back. */
const FORGOTTEN_MS = 24 * 3_600_000;
const MAX_SPREAD_SECONDS = 60;

/** How many runners there are, and so over what time they shall spread their return. */
export interface Fleet {
  /** Counts the runners that the store knows. Never throws. */
  count(): Promise<void>;
  spreadSeconds(): number;
}

/** Knows nothing before the first `count`; `live` tells how many have a session. */
export function createFleet(store: Pick<Store, "listRunners">, live: () => number, clock: Clock, log: Log): Fleet {
  let known = 0;
  return {
    async count() {
      try {
        const since = clock.now() - FORGOTTEN_MS;
        known = (await store.listRunners()).filter(({ lastSeenAt }) => (lastSeenAt ?? 0) > since).length;
      } catch (error) {
        log.warn("Cannot count the runners", { error });
      }
    },
    spreadSeconds() {
      const seconds = Math.ceil(Math.max(known, live()) / DIALS_PER_SECOND);
      return Math.min(Math.max(1, seconds), MAX_SPREAD_SECONDS);
    },
  };
}
