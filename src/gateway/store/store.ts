import type { Sensitive } from "../../base/sensitive.ts";
import type {
  Failure,
  FailureCategory,
  JsonObject,
  LogEnd,
  PipelineKey,
  RunReport,
  RunState,
  Schedule,
} from "../../protocol/messages.ts";
import type { LogCeiling, RunRetention } from "./kept.ts";
import type { PipelineChanges } from "./pipeline-changes.ts";
import type { RowKind } from "./readable.ts";
import type { TakenReport } from "./taken-report.ts";

export type { PipelineChanges, TakenReport };

/** A runner as the gateway remembers it. Whether it is connected is told by the live sessions, not by the store. */
export interface RunnerRecord {
  readonly runnerId: string;
  /** The place the id is bound to; undefined after a rebind, until the next greeting. */
  readonly installationId?: string;
  readonly instanceId?: string;
  readonly epoch: number;
  readonly runnerVersion?: string;
  readonly ingestionVersion?: string;
  readonly executor?: string;
  readonly platform?: string;
  readonly host?: string;
  readonly maxConcurrentRuns?: number;
  /** Epoch milliseconds. */
  readonly lastSeenAt?: number;
  /** Since then it is refused. */
  readonly retiredAt?: number;
  readonly createdAt: number;
}

/** Outcome of a greeting: the new epoch, or why there is none. */
export type SessionClaim =
  | { readonly epoch: number }
  | { readonly refused: "runnerIdInUse"; readonly boundTo: string }
  | { readonly refused: "retired" };

/** A token the gateway has issued; the token itself is kept only as a hash. */
export interface TokenRecord {
  readonly tokenId: string;
  readonly sha256: string;
  /** The only runner id it is good for; undefined: any. */
  readonly runnerId?: string;
  readonly createdAt: number;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

/** A data source as OpenMetadata knows it; its connection holds references, not credentials. */
export interface ServiceRecord {
  readonly serviceId: string;
  readonly name: string;
  readonly serviceType: string;
  readonly connection: JsonObject;
  readonly runnerId: string;
  readonly createdAt: number;
}

/** A pipeline as it is wanted. Each change makes a new generation. */
export interface PipelineRecord {
  readonly pipelineId: string;
  readonly serviceId: string;
  readonly runnerId: string;
  readonly name: string;
  readonly fullyQualifiedName: string;
  readonly pipelineType: string;
  readonly sourceConfig: JsonObject;
  readonly sink?: JsonObject;
  readonly schedule?: Schedule;
  readonly timeoutSeconds?: number;
  /** How often a failed run is tried again, and how long after. */
  readonly retries?: number;
  readonly retryDelaySeconds?: number;
  readonly enabled: boolean;
  /** True once it was deployed; only deployed pipelines are wanted on a runner. */
  readonly deployed: boolean;
  readonly generation: number;
  /** SHA-256 of the body of this generation; empty while not deployed. */
  readonly hash: string;
  /** Set by a delete: a tombstone of this generation. */
  readonly deletedAt?: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Where a run stands between gateway and runner, beside its own state. */
export type DispatchState = "waiting" | "offered" | "accepted";

/** Why a runner didn't take a run; it waits and is offered again. */
export interface StartRefusal {
  readonly message: string;
  readonly advice: string;
  /** What the failure is if it never starts. */
  readonly category?: FailureCategory;
}

/** A run as the gateway knows it. */
export interface RunRecord {
  readonly runId: string;
  readonly pipelineId: string;
  readonly runnerId: string;
  readonly attempt: number;
  readonly state: RunState;
  readonly dispatch: DispatchState;
  /** With `queued`: what keeps it from running, as its runner tells. */
  readonly waiting?: string;
  /** While it waits: why its runner didn't take it the last time. */
  readonly refusal?: StartRefusal;
  readonly stopRequested: boolean;
  readonly sourceConfigOverride?: JsonObject;
  /** Replaces `appConfig`, where the pipeline is an application. */
  readonly appConfigOverride?: JsonObject;
  readonly createdAt: number;
  /** After this moment a run that never started is failed with `StartTimeout`. */
  readonly startDeadline: number;
  readonly startedAt?: number;
  readonly endedAt?: number;
  readonly exitCode?: number;
  readonly proof?: string;
  readonly failure?: Failure;
  /** What the log must come to, once the runner has told. */
  readonly logEnd?: LogEnd;
  /** Where the log goes on: every byte before it is here or was told missing. */
  readonly logBytes: number;
  /** Where the runner stopped sending a log beyond its limit; the last part follows at the end, behind a gap from here. Absent again when all of it came. */
  readonly logHeldAt?: number;
  /** From where on the gateway keeps nothing more of this log, and which of its ceilings was met. */
  readonly logCappedAt?: number;
  readonly logCappedBy?: LogCeiling;
  /** Told missing pieces, each as [offset, bytes]. */
  readonly logGaps: readonly (readonly [number, number])[];
}

/** A piece of log as it came. `held` with an empty text: the runner keeps the rest on site until the run has ended. */
export interface LogPiece {
  readonly runId: string;
  readonly offset: number;
  readonly text: string;
  readonly held?: true;
}

/**
 * A stored piece of log. Offsets are those of the log as the runner has it. A gap shows in `text` as a line of its own,
 * `[gap: 1234 bytes of log are missing here]` (or one that tells that the middle of a long log is not shown), and `nextOffset` lies behind the missing bytes; so without a gap `nextOffset` is `offset` plus the text's length in UTF-8, and with one it isn't.
 */
export interface LogPage {
  readonly text: string;
  readonly nextOffset: number;
}

/** Selects runs; all given conditions hold. Newest first. */
export interface RunQuery {
  readonly runnerId?: string;
  readonly pipelineId?: string;
  readonly states?: readonly RunState[];
  readonly limit: number;
  /** Only runs older than this one: the cursor of the next page. */
  readonly beforeRunId?: string;
}

/** Selects services; all given conditions hold. In the order of their names. */
export interface ServiceQuery {
  readonly runnerId?: string;
  readonly limit?: number;
  /** Only those whose name comes behind this one: the cursor of the next page. */
  readonly afterName?: string;
}

/** Selects pipelines; all given conditions hold. In the order of their fully qualified names. */
export interface PipelineQuery {
  readonly runnerId?: string;
  readonly serviceId?: string;
  readonly fullyQualifiedName?: string;
  readonly includeDeleted?: boolean;
  readonly limit?: number;
  /** Only those whose fully qualified name comes behind this one: the cursor of the next page. */
  readonly afterName?: string;
}

/**
 * Everything the gateway must remember, behind one asynchronous contract, so that SQLite and PostgreSQL serve alike.
 * A promise that resolved has been committed durably. A row that can't be read costs itself only: it is told once, and left out. Every implementation passes test/gateway/store.contract.ts.
 * @throws CodedError StoreUnavailable from any method when the database can't be used
 */
export interface Store {
  // runners and sessions
  /** Binds the runner id at first use and raises its epoch, in one transaction. */
  claimSession(
    runner: Omit<RunnerRecord, "epoch" | "createdAt"> & { readonly installationId: string },
    now: number,
  ): Promise<SessionClaim>;
  touchRunner(runnerId: string, now: number): Promise<void>;
  /** Forgets the installation a runner id is bound to. False when there is no such runner. */
  rebindRunner(runnerId: string): Promise<boolean>;
  /** Takes a runner out of service and revokes its tokens; the time of the first retirement stands. Undefined when there is no such runner. */
  retireRunner(runnerId: string, now: number): Promise<RunnerRecord | undefined>;
  /** Forgets a runner and revokes its tokens; unless `force`, not while something names it. False when there is none. @throws CodedError RunnerInUse */
  removeRunner(runnerId: string, now: number, force: boolean): Promise<boolean>;
  findRunner(runnerId: string): Promise<RunnerRecord | undefined>;
  listRunners(): Promise<readonly RunnerRecord[]>;

  // runner tokens
  addToken(token: TokenRecord): Promise<void>;
  findToken(tokenId: string): Promise<TokenRecord | undefined>;
  listTokens(): Promise<readonly TokenRecord[]>;
  /** False when there is no such token. */
  revokeToken(tokenId: string, now: number): Promise<boolean>;

  // services
  /** @throws CodedError NameTaken */
  addService(service: ServiceRecord): Promise<void>;
  findService(serviceId: string): Promise<ServiceRecord | undefined>;
  /** Writes the changes, but only over what `present` says. Undefined when it is no longer that. */
  changeService(
    present: ServiceRecord,
    changes: Pick<ServiceRecord, "serviceType" | "connection">,
  ): Promise<ServiceRecord | undefined>;
  listServices(query?: ServiceQuery): Promise<readonly ServiceRecord[]>;
  /** @throws CodedError ServiceInUse while it has pipelines */
  deleteService(serviceId: string): Promise<boolean>;

  // wanted pipelines
  /** The bot token rests encrypted. @throws CodedError NameTaken */
  addPipeline(pipeline: PipelineRecord, botToken: Sensitive | undefined): Promise<void>;
  findPipeline(pipelineId: string): Promise<PipelineRecord | undefined>;
  /** Of all pipelines of the runner, whatever became of them. */
  pipelineIds(runnerId: string): Promise<readonly string[]>;
  botToken(pipelineId: string): Promise<Sensitive | undefined>;
  listPipelines(query: PipelineQuery): Promise<readonly PipelineRecord[]>;
  /** Writes the changes as generation `next` (the following one when absent), but only over `generation`. Undefined when it is no longer that. */
  changePipeline(
    pipelineId: string,
    generation: number,
    changes: PipelineChanges,
    next?: number,
  ): Promise<PipelineRecord | undefined>;
  /** What a runner shall have: deployed pipelines, and tombstones. */
  wanted(runnerId: string): Promise<{
    readonly pipelines: readonly PipelineKey[];
    readonly tombstones: readonly { readonly pipelineId: string; readonly generation: number }[];
  }>;

  // runs
  addRun(run: RunRecord): Promise<void>;
  findRun(runId: string): Promise<RunRecord | undefined>;
  findRuns(runIds: readonly string[]): Promise<readonly RunRecord[]>;
  listRuns(query: RunQuery): Promise<readonly RunRecord[]>;
  /** Runs of this runner that are not in a terminal state, oldest first. */
  openRuns(runnerId: string): Promise<readonly RunRecord[]>;
  /** Of the newest runs of this runner that have ended: those whose log is shorter here than the runner told, and its length here. */
  unfinishedLogs(runnerId: string): Promise<readonly { readonly runId: string; readonly bytes: number }[]>;
  /** Notes that a waiting run is offered; undefined, and nothing is noted, when it isn't waiting any more or has no time left. */
  offerRun(runId: string, now: number): Promise<RunRecord | undefined>;
  /** A refusal is kept until the run is accepted. Undefined when there is no such run. */
  setDispatch(runId: string, dispatch: DispatchState, refusal?: StartRefusal): Promise<RunRecord | undefined>;
  /** Undefined when there is no such run. */
  requestStop(runId: string): Promise<RunRecord | undefined>;
  /**
   * Takes a report: stored if it is news (protocol/run-state.ts, `supersedes`); a run that is unknown is added when its
   * pipeline is known (a schedule of the runner started it). A report of a live run shows that its runner has accepted it. Answers what is stored now, undefined when nothing is.
   */
  takeReport(runnerId: string, report: RunReport, now: number): Promise<TakenReport | undefined>;

  // logs
  /**
   * Appends at the offset (UTF-8 bytes): what is here already is dropped, what is missing is noted as a gap, and a gap
   * stays one though its bytes come later. Unknown runs: nothing. Whether the run is the caller's own is the caller's to know.
   */
  appendLog(runId: string, offset: number, text: string): Promise<void>;
  /** Appends many pieces, in their order, at once: all of them or none. Answers which of the logs now have their told length. */
  appendLogs(pieces: readonly LogPiece[]): Promise<readonly string[]>;
  /** Drops what is stored of a log, so that it comes again from its beginning; false when that was done once before. */
  restartLog(runId: string): Promise<boolean>;
  /** At most about `limit` bytes from `offset`, whole characters only and at least one; empty behind the end. */
  readLog(runId: string, offset: number, limit: number): Promise<LogPage>;
  /** SHA-256 of the stored log, and its length, gaps left out; for comparing with `LogEnd`. */
  logDigest(runId: string): Promise<LogEnd>;

  // what is over
  /** Removes some of the runs that are due, with their logs; `more` when another call may find some. Never one that hasn't ended. */
  removeOldRuns(retention: RunRetention): Promise<{ readonly removed: number; readonly more: boolean }>;
  /** These pipelines, as far as they are deleted, aren't on their runner any more. */
  noteBuried(pipelineIds: readonly string[], now: number): Promise<void>;
  /** Removes some of the tombstones older than this whose runner doesn't have the pipeline any more, and that have no runs left. */
  removeTombstones(deletedBefore: number): Promise<{ readonly removed: number; readonly more: boolean }>;

  /** True for the id of a row that was met and couldn't be read: it is in no answer, and nothing but that id is lost. */
  isUnreadable(kind: RowKind, id: string): boolean;
  close(): Promise<void>;
}
