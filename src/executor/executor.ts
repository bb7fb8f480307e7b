import type { JsonObject, LogEnd, RunReport } from "../protocol/messages.ts";

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
   * @throws CodedError when no object was created
   */
  start(spec: RunSpec): Promise<"started" | "exists">;

  /**
   * The state now and at each change; ends after a terminal state. Survives anything but the abort of its signal.
   * A run whose object is gone is `failed` with category `Lost`.
   */
  observe(runId: string, signal: AbortSignal): AsyncIterable<RunReport>;

  /** Records durably that the run shall stop, then makes it so: TERM, grace, KILL, no child left. An ended run stays as it is. */
  stop(runId: string): Promise<void>;

  /** Reads up to `limit` bytes from `offset`; an offset behind the end gives an empty text. */
  readLog(runId: string, offset: number, limit: number): Promise<LogPiece>;

  /** The terminal state and the log are acknowledged: the object may be removed, now or by retention. Idempotent. */
  release(runId: string): Promise<void>;

  /** Stops following; runs go on. */
  close(): Promise<void>;
}

export type { LogEnd, RunReport };
