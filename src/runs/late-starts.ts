import type { Clock } from "../base/clock.ts";
import { type RunVerdict, refused } from "./verdict.ts";

/** The verdict has 10 s by the protocol; the rest is for the way. */
export const VERDICT_MS: number = 7000;

/** Refusals that nobody has asked about any more. */
const MOST_KEPT = 200;

/** A start that is under way. */
export interface Starting {
  readonly pipelineId: string;
  readonly verdict: Promise<RunVerdict>;
  /** The orderer was told to ask again: what comes of it has to be told in another way. */
  isLate: boolean;
}

/**
 * Starts that take longer than a verdict may, as where an admission webhook of a cluster answers late. The start goes on; the
 * orderer is told that, and what came of it when it offers the run again.
 */
export class LateStarts {
  readonly #clock: Clock;
  readonly #refusals = new Map<string, RunVerdict>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The verdict of a start, or after 7 s that it isn't known yet. */
  inTime(runId: string, starting: Starting): Promise<RunVerdict> {
    // Whoever asks again is told what comes of it, when that comes in time.
    starting.isLate = false;
    return new Promise((resolve, reject) => {
      const cancel = this.#clock.schedule(VERDICT_MS, () => {
        starting.isLate = true;
        resolve(stillBeingMade());
      });
      const conclude = (verdict: RunVerdict): void => {
        cancel();
        if (starting.isLate && verdict.outcome === "refused") this.#keep(runId, verdict);
        resolve(verdict);
      };
      starting.verdict.then(conclude, reject);
    });
  }

  /** Why the run's last start failed, when that came too late to be told; once. */
  takeRefusal(runId: string): RunVerdict | undefined {
    const refusal = this.#refusals.get(runId);
    this.#refusals.delete(runId);
    return refusal;
  }

  #keep(runId: string, verdict: RunVerdict): void {
    this.#refusals.set(runId, verdict);
    const oldest = this.#refusals.keys().next().value;
    if (this.#refusals.size > MOST_KEPT && oldest !== undefined) this.#refusals.delete(oldest);
  }
}

function stillBeingMade(): RunVerdict {
  return refused(
    "storage",
    `Cannot tell yet whether the run starts: it is still being made after ${VERDICT_MS / 1000} s`,
    "Nothing to do: it is looked at again; if it lasts, see what answers late where runs are made, such as an admission webhook",
  );
}
