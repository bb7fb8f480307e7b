import type { Clock } from "../../base/clock.ts";
import { instant } from "../../base/instants.ts";
import type { Log } from "../../base/log.ts";
import type { RunnerRecord, RunRecord, Store } from "../store/store.ts";
import type { RunBook } from "./run-book.ts";

const SWEEP_MS = 15_000;
const PAGE = 200;

/** What the sweeps stand on. */
export interface SweepOptions {
  readonly store: Store;
  readonly book: RunBook;
  readonly clock: Clock;
  readonly log: Log;
  /** Runs of connected runners are left to their sessions. */
  readonly isConnected: (runnerId: string) => boolean;
  /** Called at each tick, every 15 s. */
  readonly onTick: () => void;
}

/** Ends runs whose runner is away: waiting ones that were stopped or are behind their deadline, and all of a retired runner. */
export interface Sweeps {
  /** Looks at the runs of one runner now. Never throws. */
  settleRunner(runnerId: string): void;
  /** Resolves when nothing is written any more. */
  stop(): Promise<void>;
}

/** Starts the timer. */
export function startSweeps(options: SweepOptions): Sweeps {
  const { store, book, clock, log } = options;
  const due = new Set<string>();
  let all = true;
  let stopped = false;
  let work: Promise<void> | undefined;
  let cancel: () => void = () => undefined;

  async function sweepAll(): Promise<void> {
    for (let before: string | undefined; !stopped; ) {
      const cursor = before === undefined ? {} : { beforeRunId: before };
      const runs: readonly RunRecord[] = await store.listRuns({ states: ["queued"], limit: PAGE, ...cursor });
      await book.settle(runs.filter((run) => !options.isConnected(run.runnerId)));
      if (runs.length < PAGE) break;
      before = runs.at(-1)?.runId;
    }
    for (const runner of await store.listRunners()) if (!stopped) await abandonIfRetired(runner);
  }

  async function settleOne(runnerId: string): Promise<void> {
    await book.settle(await store.openRuns(runnerId));
    const runner = await store.findRunner(runnerId);
    if (runner !== undefined) await abandonIfRetired(runner);
  }

  /** Nobody tells any more what became of its runs. */
  async function abandonIfRetired({ runnerId, retiredAt }: RunnerRecord): Promise<void> {
    if (retiredAt === undefined) return;
    await book.abandon(await store.openRuns(runnerId), `runner ${runnerId} is retired since ${instant(retiredAt)}`);
  }

  async function drain(): Promise<void> {
    await Promise.resolve();
    while (!stopped && (all || due.size > 0)) {
      const everything = all;
      const runnerIds = [...due];
      all = false;
      due.clear();
      try {
        if (everything) await sweepAll();
        else for (const runnerId of runnerIds) await settleOne(runnerId);
      } catch (error) {
        log.error("Cannot look through the waiting runs", { error });
      }
    }
    work = undefined;
  }

  function kick(): void {
    if (!stopped) work ??= drain();
  }

  function arm(): void {
    cancel = clock.schedule(SWEEP_MS, () => {
      all = true;
      options.onTick();
      kick();
      arm();
    });
  }

  arm();
  kick();
  return {
    settleRunner: (runnerId) => {
      due.add(runnerId);
      kick();
    },
    stop: async () => {
      stopped = true;
      cancel();
      await work;
    },
  };
}
