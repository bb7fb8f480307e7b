import type { Clock } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { MessageBodies, OperationType } from "../../protocol/messages.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import type { Link } from "./link.ts";
import type { OperationRequest, VerdictBody } from "./sessions.ts";

/** Operations that may wait for their verdicts in one session. */
const MAX_WAITING = 256;
/**
 * The time a verdict has begins when the operation has arrived, which on a slow line takes a while: behind so many bytes
 * without a verdict, an operation has as much more time as this rate (half of a line of 64 kbit/s) needs for them.
 */
const FREE_BYTES = 16_384;
const SLOWEST_BYTES_PER_SECOND = 4_096;

interface Waiting {
  readonly type: OperationType;
  bytes: number;
  readonly settle: (verdict: VerdictBody | CodedError) => void;
}

/** The operations of one session that wait for their verdicts. */
export class Operations {
  readonly #runnerId: string;
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #waiting = new Map<string, Waiting>();
  #waitingBytes = 0;

  constructor(runnerId: string, link: Link, clock: Clock) {
    this.#runnerId = runnerId;
    this.#link = link;
    this.#clock = clock;
  }

  /**
   * Sends an operation and waits for its verdict; without one in time the session is closed, because a runner that doesn't answer can't be trusted with more.
   * @throws CodedError RunnerNotConnected, RunnerBusy, VerdictTimedOut, BadFrame, FrameTooLarge
   */
  ask(operation: OperationRequest): Promise<VerdictBody> {
    const operationId = crypto.randomUUID();
    const { type } = operation;
    return new Promise((resolve, reject) => {
      if (this.#link.ended) return reject(this.#notConnected(type));
      if (this.#waiting.size >= MAX_WAITING) {
        const message = `Cannot ask runner ${this.#runnerId} (${type}): ${MAX_WAITING} operations wait for their verdicts`;
        return reject(new CodedError(GATEWAY_ERRORS.RunnerBusy, message));
      }
      let cancel: () => void = () => undefined;
      const waiting: Waiting = {
        type,
        bytes: 0,
        settle: (outcome) => {
          cancel();
          this.#waiting.delete(operationId);
          this.#waitingBytes -= waiting.bytes;
          if (outcome instanceof CodedError) reject(outcome);
          else resolve(outcome);
        },
      };
      this.#waiting.set(operationId, waiting);
      try {
        // The types of request and message say the same; only the compiler can't see it through the union.
        waiting.bytes = this.#link.send(type, { ...operation.body, operationId } as MessageBodies[OperationType]);
      } catch (error) {
        this.#waiting.delete(operationId);
        return reject(error);
      }
      if (!this.#waiting.has(operationId)) return;
      this.#waitingBytes += waiting.bytes;
      cancel = this.#clock.schedule(this.#limitMs(), () => this.#timeOut(operationId));
    });
  }

  /** Hands a verdict to whoever waits for it. False when nobody does. */
  settle(verdict: VerdictBody): boolean {
    const waiting = this.#waiting.get(verdict.operationId);
    waiting?.settle(verdict);
    return waiting !== undefined;
  }

  /** The session has ended: what waits will never be answered. */
  abandon(): void {
    for (const { type, settle } of [...this.#waiting.values()]) settle(this.#notConnected(type));
  }

  #limitMs(): number {
    const behind = Math.max(0, this.#waitingBytes - FREE_BYTES);
    return (LIMITS.verdictSeconds + behind / SLOWEST_BYTES_PER_SECOND) * 1000;
  }

  #timeOut(operationId: string): void {
    const waiting = this.#waiting.get(operationId);
    if (waiting === undefined) return;
    const state = "no verdict came in time";
    const message = `Cannot ask runner ${this.#runnerId} (${waiting.type}): ${state}`;
    waiting.settle(new CodedError(GATEWAY_ERRORS.VerdictTimedOut, message));
    this.#link.close("verdictTimeout", `${waiting.type}: ${state}`);
  }

  #notConnected(type: OperationType): CodedError {
    const message = `Cannot ask runner ${this.#runnerId} (${type}): its session has ended`;
    return new CodedError(GATEWAY_ERRORS.RunnerNotConnected, message);
  }
}
