import { CATALOGUE } from "../protocol/catalogue.ts";
import type { Frame } from "../protocol/codec.ts";
import type { MessageBodies } from "../protocol/messages.ts";
import type { Operation, RunnerSide } from "./runner-side.ts";

/** Operations of one session that may be under way at once; the next one is refused as `full`. */
export const MAX_OPERATIONS = 64;

/** What the desk needs. */
export interface OperationDeskOptions {
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
    const { operationId } = operation.body;
    if (this.#underWay >= MAX_OPERATIONS) {
      this.#options.reply({
        operationId,
        outcome: "refused",
        reason: "full",
        message: `Cannot take ${operation.type}: ${MAX_OPERATIONS} operations are under way`,
        advice: "Send it again when verdicts have come back",
      });
      return;
    }
    this.#underWay += 1;
    void this.#carryOut(operation);
  }

  async #carryOut(operation: Operation): Promise<void> {
    const { side, clockOffsetMs, reply, onFailure } = this.#options;
    try {
      const verdict = await side.operate(operation, clockOffsetMs());
      reply({ operationId: operation.body.operationId, ...verdict });
    } catch (error) {
      onFailure(error);
    } finally {
      this.#underWay -= 1;
    }
  }
}

/** True for a message that asks the runner for something. */
export function isOperation(frame: Frame): frame is Operation {
  return CATALOGUE[frame.type].kind === "operation";
}
