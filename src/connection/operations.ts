import type { Clock } from "../base/clock.ts";
import { CATALOGUE } from "../protocol/catalogue.ts";
import type { Frame } from "../protocol/codec.ts";
import type { MessageBodies, OperationType } from "../protocol/messages.ts";
import type { Operation, RunnerSide, Verdict } from "./runner-side.ts";

/** Operations of one session that may be under way at once; the next one is refused as `full`. */
export const MAX_OPERATIONS = 64;

/**
 * What isn't done by then goes on, and the verdict says so: without one the gateway would close the session. The protocol's limit
 * is 10 s; starts of runs, which know more to say, are answered a little earlier (src/runs/late-starts.ts).
 */
export const VERDICT_LATEST_MS: number = 8500;

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
    const { side, clock, clockOffsetMs, onFailure } = this.#options;
    let isTold = false;
    const tell = (verdict: Verdict): void => {
      if (!isTold) this.#reply(operation, cameAt, verdict);
      isTold = true;
    };
    const cancel = clock.schedule(VERDICT_LATEST_MS, () => tell(stillUnderWay(operation)));
    try {
      tell(await side.operate(operation, clockOffsetMs()));
    } catch (error) {
      onFailure(error);
    } finally {
      cancel();
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

function stillUnderWay({ type }: Operation): Verdict {
  return {
    outcome: "refused",
    reason: "storage",
    message: `Cannot tell yet what becomes of ${type}: it is still under way after ${VERDICT_LATEST_MS / 1000} s`,
    advice: "Send it again after a while: what was done by then is found as it is; if it lasts, see what answers late",
  };
}

/** True for a message that asks the runner for something. */
export function isOperation(frame: Frame): frame is Operation {
  return CATALOGUE[frame.type].kind === "operation";
}
