/**
 * Why a run failed. One list for all executors; the process executor can't produce those that need a cluster.
 * Each category has its standard advice, which an occurrence may replace by something more exact.
 */
export const FAILURE_CATEGORIES = {
  ExitCode: "Read the last log lines: the ingestion program itself ended with an error",
  Killed: "Look for who sent the signal: a memory limit of the host, an administrator, another program",
  DeadlineExceeded: "Raise the pipeline's timeout, or find out why the source takes so long",
  SecretUnresolved: "Check the reference, the name in the secret store and the rights of the run's identity",
  ConfigError: "Correct the pipeline's configuration or the runner's settings and deploy again",
  PolicyDenied: "Ask the owner of the runner's policy to allow it, or change the pipeline",
  StartFailed: "Check that the ingestion command exists on the runner's side and may be executed",
  StartTimeout: "See why the runner was away or had no free place, then run again",
  Lost: "Run again; if it repeats, look for what ends processes or pods on the runner's side",
} as const;
export type FailureCategory = keyof typeof FAILURE_CATEGORIES;
