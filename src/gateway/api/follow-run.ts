import type { Clock } from "../../base/clock.ts";
import { isTerminal } from "../../protocol/run-state.ts";
import { heldNote } from "../store/log-marker.ts";
import type { RunRecord, Store } from "../store/store.ts";
import { isLogSettled, type LogProof } from "./log-proof.ts";
import type { RunFeed } from "./run-feed.ts";
import type { RunView } from "./views.ts";

/** Where the events of a run go. Each promise resolves when the reader has taken the text, so a slow reader slows us and piles up nothing. */
export interface RunEventSink {
  send(event: { readonly name: "run" | "log" | "end"; readonly data: object; readonly id?: string }): Promise<void>;
  heartbeat(): Promise<void>;
}

/** What a run is followed with. */
export interface FollowOptions {
  readonly store: Store;
  readonly runId: string;
  /** Where the reader's log ends, in bytes. */
  readonly after: number;
  readonly sink: RunEventSink;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly proofOf: (run: RunRecord) => Promise<LogProof>;
  readonly feed: Pick<RunFeed, "subscribe">;
  /** The run as it is shown. */
  readonly viewOf: (run: RunRecord) => Promise<RunView>;
}

const HEARTBEAT_MS = 15_000;
const PATIENCE_MS = 30_000;
const PAGE_BYTES = 65_536;

/**
 * Tells a run's states and log until it has ended and its log is complete, or 30 s after its end when the log stays incomplete.
 * It looks at what is stored and sends the difference to what the reader has; a change only makes it look sooner.
 */
export async function followRun(options: FollowOptions): Promise<void> {
  const { store, runId, sink, signal, clock } = options;
  const bell = createBell(clock, signal);
  const unsubscribe = options.feed.subscribe(runId, bell.ring);
  let offset = options.after;
  let shown = "";
  let heldShown = false;
  let endSeen: number | undefined;
  try {
    while (!signal.aborted) {
      const run = await store.findRun(runId);
      if (run === undefined) return;
      const view = await options.viewOf(run);
      const show = async (): Promise<void> => {
        if (moment(view) !== shown) await sink.send({ name: "run", data: view });
        shown = moment(view);
      };
      // The end comes after the last line, as it did where the run was.
      if (!isTerminal(run.state)) await show();
      const page = await store.readLog(runId, offset, PAGE_BYTES);
      if (page.nextOffset > offset) {
        await sink.send({ name: "log", data: { offset, ...page }, id: String(page.nextOffset) });
        offset = page.nextOffset;
        continue;
      }
      if (run.logHeldAt !== undefined && !heldShown && !isTerminal(run.state)) {
        // A line for the reader that is none of the log: the offset stays.
        const text = `\n${heldNote(runId, run.logHeldAt)}\n`;
        await sink.send({ name: "log", data: { offset, text, nextOffset: offset }, id: String(offset) });
        heldShown = true;
      }
      if (isTerminal(run.state)) {
        endSeen ??= clock.monotonic();
        const patience = PATIENCE_MS - (clock.monotonic() - endSeen);
        if (isLogSettled(run) || patience <= 0) {
          await show();
          await sink.send({
            name: "end",
            data: { run: view, nextOffset: offset, ...(await options.proofOf(run)) },
          });
          return;
        }
        await bell.wait(Math.min(patience, HEARTBEAT_MS));
      } else if (!(await bell.wait(HEARTBEAT_MS))) {
        await sink.heartbeat();
      }
    }
  } finally {
    unsubscribe();
  }
}

function moment(run: RunView): string {
  return JSON.stringify([run.attempt, run.state, run.dispatch, run.stopRequested, run.waiting]);
}

interface Bell {
  readonly ring: () => void;
  /** True when it rang, false when the time was over or the signal aborted. A ring nobody waited for counts for the next wait. */
  wait(limitMs: number): Promise<boolean>;
}

function createBell(clock: Clock, signal: AbortSignal): Bell {
  let rung = false;
  let wake: (() => void) | undefined;
  return {
    ring: () => {
      rung = true;
      wake?.();
    },
    wait: async (limitMs) => {
      if (!rung && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const cancel = clock.schedule(limitMs, resolve);
          wake = () => {
            cancel();
            resolve();
          };
          signal.addEventListener("abort", wake, { once: true });
        });
        if (wake !== undefined) signal.removeEventListener("abort", wake);
        wake = undefined;
      }
      const result = rung;
      rung = false;
      return result;
    },
  };
}
