import type { Frame } from "../protocol/codec.ts";
import type { MessageBodies, OperationType, PipelineKey, RunReport } from "../protocol/messages.ts";

/** Body of a verdict without the operation's id, which the connection adds. */
export type Verdict = DistributiveOmit<MessageBodies["verdict"], "operationId">;
type DistributiveOmit<T, K extends PropertyKey> = T extends unknown ? Omit<T, K> : never;

export type Operation = Frame<OperationType>;

/** What the gateway wants, collected from all pages of `wanted`. */
export interface WantedPipelines {
  readonly pipelines: readonly PipelineKey[];
  readonly tombstones: readonly { readonly pipelineId: string; readonly generation: number }[];
}

/** What the runner made of the difference; `fetch` are the ids the connection shall ask for. */
export interface Difference {
  readonly fetch: readonly string[];
  readonly deleted: number;
  readonly orphans: readonly PipelineKey[];
}

/** One piece of log on its way out. */
export interface LogChunk {
  readonly runId: string;
  readonly offset: number;
  readonly text: string;
  /** With an empty text: the rest stays on site until the run has ended. */
  readonly held?: true;
}

/** Where the connection takes log chunks from; it pulls, so nothing piles up in memory. */
export interface LogSource {
  /** The next chunk of at most `maxBytes`, or undefined when there is none now (then `Connection.wake` is called later). */
  next(maxBytes: number): Promise<LogChunk | undefined>;
  /** A new session begins: send each listed run from its offset, every other one from 0. */
  rewind(cursors: ReadonlyMap<string, number>): void;
  /** The gateway has stored this chunk. */
  acknowledged(chunk: LogChunk): void;
}

/** What the connection asks of the rest of the runner. It knows nothing of runs or pipelines beyond this. */
export interface RunnerSide {
  /** Everything this runner has, for a greeting. */
  inventory(): Promise<{
    readonly pipelines: readonly PipelineKey[];
    readonly runs: readonly Pick<RunReport, "runId" | "pipelineId" | "attempt" | "state">[];
  }>;
  /** Acts on the difference to what the gateway wants: deletes what has a tombstone, names what to fetch and what is orphaned. */
  compare(wanted: WantedPipelines): Promise<Difference>;
  /** Carries out one operation. Never throws: what goes wrong is a verdict. `clockOffsetMs` = server time - own time. */
  operate(operation: Operation, clockOffsetMs: number): Promise<Verdict>;
  /** The gateway has stored this report durably. */
  acknowledged(report: RunReport): void;
  readonly logs: LogSource;
}

/** Where the connection stands; told at each change, for the log, metrics and readiness. */
export type ConnectionState = "idle" | "dialing" | "greeting" | "ready" | "waiting" | "standby" | "closed";

/** A snapshot for readiness and metrics. */
export interface ConnectionStatus {
  readonly state: ConnectionState;
  readonly epoch: number;
  /** Why it is not ready: a close name (`unauthorized`, `superseded` …) or `disconnected`. */
  readonly reason?: string;
}
