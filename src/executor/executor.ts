import type { JsonObject, LogEnd, PipelineBody, PipelineKey, RunReport, Schedule } from "../protocol/messages.ts";

/** All an executor needs to start one run. The configuration holds references, never resolved values. */
export interface RunSpec {
  readonly runId: string;
  /** Counts from 1. */
  readonly attempt: number;
  readonly pipelineId: string;
  readonly pipelineName: string;
  readonly fullyQualifiedName: string;
  /** OpenMetadata's pipelineType, handed to the program as it is. */
  readonly pipelineType: string;
  /** The workflow configuration with overrides applied; secret references inside. */
  readonly config: JsonObject;
  /** The executor ends the run with `DeadlineExceeded` after this many seconds. */
  readonly timeoutSeconds?: number;
  /** How often a failed attempt is followed by another one; 0 when absent. An executor that can't do it says so in its documents. */
  readonly retries?: number;
  /** From a failed attempt to the next one; the executor's own pause when absent. */
  readonly retryDelaySeconds?: number;
  /** Epoch milliseconds of this machine; a program that has not been started by then never is. */
  readonly startBefore: number;
}

/** A piece of a run's masked log. `nextOffset - offset` is the UTF-8 length of `text`, and `text` never splits a character. */
export interface LogPiece {
  readonly offset: number;
  readonly text: string;
  readonly nextOffset: number;
  /** True when the log has ended and nothing follows `nextOffset`. */
  readonly ended: boolean;
}

/** Whether an executor can work, with a sentence for people. */
export interface ExecutorHealth {
  readonly healthy: boolean;
  readonly message: string;
}

/**
 * Where runs happen. Every executor passes the conformance suite in test/executor/executor.contract.ts.
 * What an executor keeps (run directory, Job, Workflow) is called the run's object.
 */
export interface Executor {
  readonly kind: string;

  /** Proves that runs could be started now: rights, paths, programs. Never throws for what it finds. */
  check(): Promise<ExecutorHealth>;

  /** Every run whose object exists: live ones, and ended ones that were not released. Called before work is accepted. */
  list(): Promise<readonly RunReport[]>;

  /**
   * Creates the run's object durably and then sets the program going. Answers `exists` without doing anything when
   * the object is there already. Once the object exists, whatever goes wrong is told by `observe`, not thrown.
   * @throws CodedError when no object was created; its fact `category` (a FailureCategory, such as `Quota`) tells what the
   * failure would be if the run never started
   */
  start(spec: RunSpec): Promise<"started" | "exists">;

  /**
   * The state now and at each change; ends after a terminal state, which is told once more with `log` when that is known only
   * later. Survives anything but the abort of its signal.
   * A run whose object is gone is `failed` with category `Lost`.
   */
  observe(runId: string, signal: AbortSignal): AsyncIterable<RunReport>;

  /** Records durably that the run shall stop, then makes it so: TERM, grace, KILL, no child left. An ended run stays as it is. */
  stop(runId: string): Promise<void>;

  /** Reads up to `limit` bytes from `offset`; an offset behind the end gives an empty text. */
  readLog(runId: string, offset: number, limit: number): Promise<LogPiece>;

  /** The terminal state and the log are acknowledged: the object may be removed, now or by retention. Idempotent. */
  release(runId: string): Promise<void>;

  /**
   * Runs that nobody ordered here: those that the cluster's own schedules start, each told once as soon as it is seen and
   * not part of an earlier `list`. Ends when the signal aborts. Absent: every run of this executor comes from `start`.
   */
  discover?(signal: AbortSignal): AsyncIterable<RunReport>;

  /** What the executor's cluster keeps of deployed pipelines. Absent: the runner keeps them itself. */
  readonly deployments?: Deployments;

  /** Stops following; runs go on. */
  close(): Promise<void>;
}

/** A deployed pipeline as it was found in the cluster. */
export interface FoundDeployment extends PipelineKey {
  readonly enabled: boolean;
  readonly schedule?: Schedule;
  /** Absent where the runner has no right to read it back; it is fetched from the gateway then. */
  readonly body?: PipelineBody;
}

/** Deployed pipelines as objects of the cluster, so that schedules fire and survive without the runner's disk. */
export interface Deployments {
  /** Who starts scheduled runs: the cluster itself, or the runner because it has no right to make CronJobs. */
  readonly fires: "cluster" | "runner";
  /** Every pipeline of this runner that the cluster has something of. */
  list(): Promise<readonly FoundDeployment[]>;
  /**
   * Makes the cluster's objects what this body says, and answers whether something had to be written. Half-done work is undone.
   * @throws CodedError
   */
  put(body: PipelineBody): Promise<boolean>;
  /** Removes the objects of this pipeline and only those; runs are stopped by the caller. Idempotent. @throws CodedError */
  remove(pipelineId: string): Promise<void>;
  /**
   * Sees to it, until the signal aborts, that the objects stay as they were put, whoever changes or removes them. `again` puts a
   * pipeline again and answers as `put` does. Not for a standby, and not twice at once. Never throws.
   */
  tend?(again: (pipelineId: string) => Promise<boolean>, signal: AbortSignal): Promise<void>;
  /** Where the runner keeps what it must remember of schedules, when it fires them and may write such objects. */
  readonly records?: PipelineTexts;
}

/** A small text for each pipeline, as objects of the cluster. */
export interface PipelineTexts {
  /** Every text of this runner, by pipeline id. */
  list(): Promise<ReadonlyMap<string, string>>;
  /** Durably, in place of an older one. @throws CodedError */
  write(pipelineId: string, text: string): Promise<void>;
  /** Idempotent. @throws CodedError */
  remove(pipelineId: string): Promise<void>;
}

export type { LogEnd, RunReport };
