/** Which ceiling of stored logs was met: that of one run, of all runs of a runner, or of the whole store. */
export type LogCeiling = "run" | "runner" | "store";

/** How much log is stored at most, in bytes. */
export interface LogCeilings {
  readonly runBytes: number;
  readonly runnerBytes: number;
  readonly storeBytes: number;
}

/** Which ended runs are removed. Moments are epoch milliseconds, by the gateway's clock. */
export interface RunRetention {
  /** Every run whose end was stored before this. */
  readonly closedBefore: number;
  /** So many of each pipeline are kept; of the others those whose end and whole log were stored before `surplusClosedBefore`. */
  readonly perPipeline: number;
  readonly surplusClosedBefore: number;
  /** Ended runs behind so many of a pipeline go at once, whether their log is whole or not. */
  readonly mostOfPipeline: number;
}
