import { CodedError } from "../../base/errors.ts";
import { PROTOCOL_ERRORS } from "../../protocol/errors.ts";
import type { PipelineKey } from "../../protocol/messages.ts";
import type { Store } from "../store/store.ts";
import { pipelineBody, pipelineHash, type WorkflowSettings } from "./workflow-config.ts";

/** No backup is so old that a pipeline was changed more often since. */
const MOST_AHEAD = 1_000_000;

/**
 * A gateway restored from an older backup may be behind its runner, which keeps the newer generation and would take
 * no change until the gateway has counted past it. So every wanted pipeline that the runner has in a newer generation
 * gets a generation above that one: what the gateway wants now counts (docs/protocol.md, scenario of the restored gateway).
 * A runner speaks for its own pipelines only. Answers how many were raised.
 * @throws CodedError BadFrame for a generation that no backup explains
 */
export async function catchUp(
  store: Store,
  runnerId: string,
  reported: readonly PipelineKey[],
  settings: WorkflowSettings,
  now: number,
): Promise<number> {
  let raised = 0;
  for (const key of reported) {
    const pipeline = await store.findPipeline(key.pipelineId);
    if (pipeline === undefined || pipeline.runnerId !== runnerId) continue;
    if (!pipeline.deployed || pipeline.deletedAt !== undefined || key.generation <= pipeline.generation) continue;
    if (key.generation - pipeline.generation > MOST_AHEAD) {
      throw new CodedError(
        PROTOCOL_ERRORS.BadFrame,
        `Cannot take the inventory: generation ${key.generation} of pipeline ${key.pipelineId} is beyond belief, here it is ${pipeline.generation}`,
      );
    }
    const service = await store.findService(pipeline.serviceId);
    if (service === undefined) continue;
    const next = { ...pipeline, generation: key.generation + 1 };
    const hash = pipelineHash(await pipelineBody(store, next, service, settings));
    const changed = await store.changePipeline(
      key.pipelineId,
      pipeline.generation,
      { hash, updatedAt: now },
      next.generation,
    );
    if (changed !== undefined) raised++;
  }
  return raised;
}
