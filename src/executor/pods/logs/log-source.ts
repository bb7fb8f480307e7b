/** Where one attempt of a run prints. */
export interface LogSource {
  readonly runId: string;
  /** Counts from 1. The log of a later attempt follows that of the one before, after a line that says so. */
  readonly attempt: number;
  readonly podName: string;
  readonly container: string;
  /** Epoch milliseconds at which the container started, where that is known: tells whether the log's beginning can be gone. */
  readonly startedAt?: number;
}
