import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of the executors. What goes wrong inside a run is not among them: that is a failed run, told by its report. */
export const EXECUTOR_ERRORS: {
  readonly UnknownExecutor: ErrorKind<"UnknownExecutor">;
  readonly ExecutorAbsent: ErrorKind<"ExecutorAbsent">;
  readonly DataDirectoryLocked: ErrorKind<"DataDirectoryLocked">;
  readonly DataDirectoryUnwritable: ErrorKind<"DataDirectoryUnwritable">;
  readonly RunNotStored: ErrorKind<"RunNotStored">;
  readonly RunRecordDamaged: ErrorKind<"RunRecordDamaged">;
  readonly RunLogsClosed: ErrorKind<"RunLogsClosed">;
  readonly RunNotOnSite: ErrorKind<"RunNotOnSite">;
} = defineErrors({
  UnknownExecutor: { retryable: false, advice: "Set the executor to one of the known names" },
  ExecutorAbsent: {
    retryable: false,
    advice: "Set EXECUTOR_TYPE=process and INGESTION_COMMAND, or use a version of the runner that has this executor",
  },
  DataDirectoryLocked: {
    retryable: true,
    advice: "Stop the other runner, or give this one a data directory of its own",
  },
  DataDirectoryUnwritable: {
    retryable: true,
    advice: "Give the runner's user the right to write there, or name another data directory",
  },
  RunNotStored: { retryable: true, advice: "Check the free space and the rights of the data directory" },
  RunRecordDamaged: {
    retryable: false,
    advice: "Check the disk; if another version of the runner wrote the file, use that version to let its runs end",
  },
  RunLogsClosed: {
    retryable: false,
    advice: "Look as the runner's user, or as root; name another directory with --data-directory",
  },
  RunNotOnSite: {
    retryable: false,
    advice:
      "See hybrid-runner logs for the runs that are there; ended ones are kept as KEEP_RUNS and KEEP_RUNS_DAYS say",
  },
});
