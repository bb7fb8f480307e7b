import type { Clock } from "../base/clock.ts";
import { Durations } from "../base/durations.ts";
import type { OnOperation } from "../connection/operations.ts";
import type { RefusalReason } from "../protocol/messages.ts";
import { SECRET_READ_RESULTS, type SecretReads } from "../protocol/secret-reads.ts";

/** Bounds of the dispatch latency in seconds; the promise is 5 ms for half of all orders, 25 ms for 99 of 100. */
const DISPATCH_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** A configuration holds no more references. */
const MOST_READS_OF_A_RUN = 1_000_000;

const OUTCOMES = ["accepted", "duplicate", "answered", "unsupported"];
const REASONS: { readonly [Reason in RefusalReason]: true } = {
  draining: true,
  full: true,
  tooLate: true,
  policy: true,
  standby: true,
  unknownPipeline: true,
  staleGeneration: true,
  noExecutor: true,
  badConfig: true,
  storage: true,
};

/** Verdicts of one outcome and reason; the reason is empty unless it is `refused`. */
export interface VerdictCount {
  readonly outcome: string;
  readonly reason: string;
  readonly count: number;
}

/** Plain numbers of what happens where the runner's parts meet. */
export class Measures {
  readonly server: Durations;
  readonly executor: Durations;
  readonly dispatch: Durations;
  readonly #store: string;
  readonly #secretReads = new Map<string, number>(SECRET_READ_RESULTS.map((result) => [result, 0]));
  readonly #verdicts = new Map<string, { outcome: string; reason: string; count: number }>();

  /** `store` is the name of the secret store that runs read from. */
  constructor(clock: Clock, store: string) {
    this.#store = store;
    this.server = new Durations(clock);
    this.executor = new Durations(clock);
    this.dispatch = new Durations(clock, DISPATCH_BOUNDS);
    for (const outcome of OUTCOMES) this.#count(outcome, "", 0);
    for (const reason of Object.keys(REASONS)) this.#count("refused", reason, 0);
  }

  /** A verdict was sent. */
  readonly onOperation: OnOperation = (type, outcome, tookMs, reason) => {
    if (type === "run.start" && outcome === "accepted") this.dispatch.note(tookMs);
    this.#count(outcome, reason ?? "", 1);
  };

  /** The gateway answered or acknowledged something. */
  readonly onRoundTrip = (ms: number): void => this.server.note(ms);

  /** A run has left its counts. They come from where its program is, so only what is known is counted. */
  readonly onSecretReads = (reads: SecretReads): void => {
    const ofStore = Object.hasOwn(reads, this.#store) ? reads[this.#store] : undefined;
    for (const result of SECRET_READ_RESULTS) {
      const count = ofStore?.[result] ?? 0;
      if (count > 0 && count <= MOST_READS_OF_A_RUN)
        this.#secretReads.set(result, (this.#secretReads.get(result) ?? 0) + count);
    }
  };

  /** Reads of the secret store by runs that have ended, by result. */
  secretReads(): { readonly provider: string; readonly byResult: ReadonlyMap<string, number> } {
    return { provider: this.#store, byResult: this.#secretReads };
  }

  /** Every verdict so far; those that may come are there with 0. */
  verdicts(): readonly VerdictCount[] {
    return [...this.#verdicts.values()];
  }

  #count(outcome: string, reason: string, by: number): void {
    const key = `${outcome} ${reason}`;
    const known = this.#verdicts.get(key) ?? { outcome, reason, count: 0 };
    known.count += by;
    this.#verdicts.set(key, known);
  }
}
