import type { Clock } from "../../base/clock.ts";
import type { RunReport } from "../../protocol/messages.ts";
import type { DispatchState, RunRecord, StartRefusal, Store, TakenReport } from "../store/store.ts";
import type { AddedRunsPace } from "./added-runs-pace.ts";
import type { EventHub } from "./events.ts";
import { abandoned, settleWaiting } from "./settle.ts";
import type { WaitingReasons } from "./waiting.ts";

/** Writes changes of runs to the store and then tells them to the listeners. */
export interface RunBook {
  /** See `Store.takeReport`. Undefined when the run is none of this runner's. */
  take(runnerId: string, report: RunReport): Promise<TakenReport | undefined>;
  /** `refusal`: why a waiting run was not taken. */
  setDispatch(runId: string, dispatch: DispatchState, refusal?: StartRefusal): Promise<void>;
  /** What is told of a run has changed, though its record hasn't. */
  announce(run: RunRecord): void;
  /** Ends those of the runs that shall no longer wait; answers with the others. */
  settle(runs: readonly RunRecord[]): Promise<readonly RunRecord[]>;
  /** Ends open runs whose runner does not come back; `why` says so. */
  abandon(runs: readonly RunRecord[], why: string): Promise<void>;
}

/** Makes it over a store. */
export function createRunBook(
  store: Store,
  clock: Clock,
  changes: EventHub<RunRecord>,
  reasonOf: WaitingReasons,
  pace: AddedRunsPace,
): RunBook {
  const take: RunBook["take"] = async (runnerId, report) => {
    const taken = await store.takeReport(runnerId, report, clock.now());
    if (taken?.changed === true) changes.emit(taken.run);
    if (taken?.added === true) await pace(runnerId);
    return taken;
  };
  return {
    take,

    announce: changes.emit,

    async setDispatch(runId, dispatch, refusal) {
      const run = await store.setDispatch(runId, dispatch, refusal);
      if (run !== undefined) changes.emit(run);
    },

    async settle(runs) {
      const others: RunRecord[] = [];
      for (const run of runs) {
        const end = await settleWaiting(run, clock.now(), reasonOf);
        if (end === undefined) others.push(run);
        else await take(run.runnerId, end);
      }
      return others;
    },

    async abandon(runs, why) {
      for (const run of runs) await take(run.runnerId, abandoned(run, clock.now(), why));
    },
  };
}
