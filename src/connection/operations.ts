import type { Clock } from "../base/clock.ts";
import { CATALOGUE } from "../protocol/catalogue.ts";
import type { Frame } from "../protocol/codec.ts";
import type { MessageBodies, OperationType } from "../protocol/messages.ts";
import type { Operation, RunnerSide, Verdict } from "./runner-side.ts";

/** Operations of one session that may be under way at once; the next one is refused as `full`. */
export const MAX_OPERATIONS = 64;

/** Told of each verdict that was sent: for which operation, its outcome, the time since the operation's frame came, and why it was refused. */
export type OnOperation = (
  type: OperationType,
  outcome: Verdict["outcome"],
  tookMs: number,
  reason: string | undefined,
) => void;

/** What the desk needs. */
export interface OperationDeskOptions {
  readonly clock: Clock;
  readonly onOperation: OnOperation;
  readonly side: Pick<RunnerSide, "operate">;
  /** Server time - own time. */
  readonly clockOffsetMs: () => number;
  readonly reply: (verdict: MessageBodies["verdict"]) => void;
  /** The runner failed instead of giving a verdict. */
  readonly onFailure: (error: unknown) => void;
}

/** Hands operations to the runner, several at a time, and replies as each is done. Verdicts that come after the session are lost by design. */
export class OperationDesk {
  readonly #options: OperationDeskOptions;
  #underWay = 0;

  constructor(options: OperationDeskOptions) {
    this.#options = options;
  }

  take(operation: Operation): void {
    const cameAt = this.#options.clock.monotonic();
    if (this.#underWay >= MAX_OPERATIONS) {
      this.#reply(operation, cameAt, {
        outcome: "refused",
        reason: "full",
        message: `Cannot take ${operation.type}: ${MAX_OPERATIONS} operations are under way`,
        advice: "Send it again when verdicts have come back",
      });
      return;
    }
    this.#underWay += 1;
    void this.#carryOut(operation, cameAt);
  }

  async #carryOut(operation: Operation, cameAt: number): Promise<void> {
    const { side, clockOffsetMs, onFailure } = this.#options;
    try {
      const verdict = await side.operate(operation, clockOffsetMs());
      this.#reply(operation, cameAt, verdict);
    } catch (error) {
      onFailure(error);
    } finally {
      this.#underWay -= 1;
    }
  }

  #reply({ type, body }: Operation, cameAt: number, verdict: Verdict): void {
    const { reply, onOperation, clock } = this.#options;
    reply({ operationId: body.operationId, ...verdict });
    const reason = verdict.outcome === "refused" ? verdict.reason : undefined;
    onOperation(type, verdict.outcome, clock.monotonic() - cameAt, reason);
  }
}

/** True for a message that asks the runner for something. */
export function isOperation(frame: Frame): frame is Operation {
  return CATALOGUE[frame.type].kind === "operation";
}
