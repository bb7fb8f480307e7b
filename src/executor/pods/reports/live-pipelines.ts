import type { RunReport } from "../../../protocol/messages.ts";
import { isTerminal } from "../../../protocol/run-state.ts";

/** Which runs of each pipeline were told of and have not ended. */
export class LivePipelines {
  readonly #live = new Map<string, Set<string>>();

  /** A run was told of. Answers the other live runs of its pipeline when it is a new one. */
  note({ runId, pipelineId, state }: RunReport): readonly string[] {
    const known = this.#live.get(pipelineId);
    if (isTerminal(state)) {
      known?.delete(runId);
      if (known?.size === 0) this.#live.delete(pipelineId);
      return [];
    }
    if (known?.has(runId) === true) return [];
    const others = [...(known ?? [])];
    this.#live.set(pipelineId, (known ?? new Set()).add(runId));
    return others;
  }

  /** Another live run of the pipeline. */
  besides(pipelineId: string, runId: string): string | undefined {
    for (const other of this.#live.get(pipelineId) ?? []) if (other !== runId) return other;
    return undefined;
  }
}
