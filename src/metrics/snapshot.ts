import type { DurationsSnapshot } from "../base/durations.ts";

/** Counts by one word. */
export type CountsByWord = ReadonlyMap<string, number>;

/** Everything metrics are made of, read at the moment of a scrape. Counts are since the start of the process. */
export interface MetricSnapshot {
  readonly build: { readonly version: string; readonly executor: string; readonly platform: string };
  readonly connection: {
    readonly connected: boolean;
    readonly epoch: number;
    readonly dials: number;
    /** Ends that led to another dial, by reason. */
    readonly reconnects: CountsByWord;
    /** Since the last byte from the gateway; undefined before the first. */
    readonly silentMs: number | undefined;
    /** The gateway's time minus ours; undefined before the first welcome. */
    readonly clockOffsetMs: number | undefined;
    readonly unacknowledgedReports: number;
    readonly unacknowledgedEnds: number;
    readonly unacknowledgedLogBytes: number;
  };
  /** Verdicts by outcome and, when refused, reason. */
  readonly verdicts: readonly { readonly outcome: string; readonly reason: string; readonly count: number }[];
  /** Reads of the secret store by runs that have ended. */
  readonly secretReads: { readonly provider: string; readonly byResult: CountsByWord };
  readonly runs: {
    readonly created: number;
    /** Runs whose object exists now, by state. */
    readonly byState: CountsByWord;
    readonly live: number;
    readonly most: number;
    /** By terminal state. */
    readonly ended: CountsByWord;
    /** By failure category. */
    readonly failures: CountsByWord;
    readonly logGapBytes: number;
  };
  readonly schedules: {
    readonly kept: number;
    /** Fires that wait for a place. */
    readonly waiting: number;
    /** Since the start, by what became of them: `started`, `skipped`, `missed`. */
    readonly fires: CountsByWord;
  };
  readonly durations: {
    /** From something sent to the gateway's answer or acknowledgement. */
    readonly server: DurationsSnapshot;
    /** Calls of the executor that change or prove something. */
    readonly executor: DurationsSnapshot;
    /** The same when the executor is Argo, else nothing. */
    readonly argo: DurationsSnapshot;
    /** From an order's frame to its verdict `accepted`. */
    readonly dispatch: DurationsSnapshot;
  };
  readonly usage: {
    readonly startedAtSeconds: number;
    readonly heapBytes: number;
    readonly residentBytes: number;
    readonly cpuSeconds: number;
    /** Of one processor, lately. */
    readonly cpuPercent: number;
    /** Undefined where the system doesn't tell. */
    readonly openFiles: number | undefined;
    /** The longest of the last one to two minutes. */
    readonly loopLagSeconds: number;
  };
}
