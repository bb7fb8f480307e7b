import type {
  CloseName,
  FailureCategory,
  MessageBodies,
  OperationType,
  PipelineKey,
  RefusalReason,
} from "../../protocol/messages.ts";
import type { Socket } from "../../runtime/socket.ts";
import type { RunRecord } from "../store/store.ts";
import type { WaitingReasons } from "./waiting.ts";

/** An operation without its id, which the session adds. */
export type OperationRequest = {
  [T in OperationType]: { readonly type: T; readonly body: Omit<MessageBodies[T], "operationId"> };
}[OperationType];

/** What became of an operation. */
export type VerdictBody = MessageBodies["verdict"];

/** Who is at the other end of a socket, as the upgrade has proved. */
export interface RunnerIdentity {
  /** From the upgrade's header; the greeting must name the same. */
  readonly runnerId: string;
  /** The only runner id the token is good for; absent: any. */
  readonly tokenRunnerId?: string;
  /** Which token the upgrade was let in with. */
  readonly tokenId?: string;
  /** Where the connection comes from, which may be a proxy. */
  readonly address?: string;
}

/** How a session was lost, other than by a goodbye. */
export interface LostSession {
  /** Epoch milliseconds. */
  readonly at: number;
  /** The close name, or `broken`. */
  readonly close: string;
  readonly reason: string;
}

/** A pipeline that the runner would not take. */
export interface RefusedPipeline {
  readonly pipelineId: string;
  readonly generation: number;
  readonly reason: RefusalReason | "unsupported" | "tooLarge";
  readonly message: string;
  /** What the runner says to do. */
  readonly advice?: string;
  /** What kind of failure it is, where the runner knows it. */
  readonly category?: FailureCategory;
}

/** A live session, for people and programs. */
export interface SessionInfo {
  readonly runnerId: string;
  readonly epoch: number;
  readonly instanceId: string;
  readonly installationId: string;
  readonly runnerVersion: string;
  readonly executor: string;
  readonly platform: string;
  readonly maxConcurrentRuns: number;
  /** Types of the operations the runner can do. */
  readonly operations: readonly string[];
  /** `ready` once both sides have compared what they have; runs are offered only then. */
  readonly state: "comparing" | "ready";
  /** Epoch milliseconds. */
  readonly connectedAt: number;
  /** On the runner, but neither wanted nor with a tombstone; left alone. At most one page. */
  readonly orphans: readonly PipelineKey[];
  readonly refused: readonly RefusedPipeline[];
  /** Which token it was let in with. */
  readonly tokenId?: string;
  /** Where the connection comes from, which may be a proxy. */
  readonly address?: string;
}

/** What has changed for a runner: its runs only, or (also where nothing is said) its pipelines too. */
export type WhatChanged = "runs" | "pipelines";

/** Takes a listener away again. */
export type Unsubscribe = () => void;

/** The gateway's half of the protocol: every connected runner, and what is going on with it. */
export interface RunnerSessions {
  /** Takes over a socket whose upgrade was authenticated. What goes wrong from here on is told by a close code. */
  accept(socket: Socket, identity: RunnerIdentity): void;
  /** Live sessions by runner id: a copy of this moment. */
  connected(): ReadonlyMap<string, SessionInfo>;
  /** How this gateway lost a session of the runner the last time since it started. */
  lastLoss(runnerId: string): LostSession | undefined;
  /** Ends those live sessions of which `which` is true. */
  end(which: (session: SessionInfo) => boolean, name: CloseName, reason: string): void;
  /** Ends every open run of a runner that doesn't come back, which `why` says; answers how many there were. */
  endRuns(runnerId: string, why: string): Promise<number>;
  /** There is something to do for this runner: call it after each deploy, run, stop, toggle or delete. Cheap; never throws. */
  wake(runnerId: string, changed?: WhatChanged): void;
  /**
   * Sends one operation and answers with its verdict, whatever that is.
   * @throws CodedError RunnerNotConnected (no session, or it ended first), VerdictTimedOut (the session is closed as well), BadFrame, FrameTooLarge
   */
  ask(runnerId: string, operation: OperationRequest): Promise<VerdictBody>;
  /** Why a queued run isn't running; there is always a reason. */
  readonly waitingReason: WaitingReasons;
  /** Tells the listeners of a run that somebody else has changed or added (the API's own writes). */
  announceRun(run: RunRecord): void;
  /** Calls `listener` with each run whose record changed. @throws CodedError TooManyListeners */
  onRunChanged(listener: (run: RunRecord) => void): Unsubscribe;
  /** Calls `listener` with the id of each run whose log grew. @throws CodedError TooManyListeners */
  onLogAppended(listener: (runId: string) => void): Unsubscribe;
  /** Ends every session (`goingAway` by default), takes no more, and resolves when nothing is written any longer. */
  close(name?: CloseName, reason?: string): Promise<void>;
}
