import { nextTurn } from "../../base/clock.ts";
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
 * A runner speaks for its own pipelines only, and for each of them once: belief is measured against the generation that
 * was here before. Others get their turn in between, however many there are. Answers how many were raised.
 * @param reported by pipeline id
 * @throws CodedError BadFrame for a generation that no backup explains
 */
export async function catchUp(
  store: Store,
  runnerId: string,
  reported: ReadonlyMap<string, PipelineKey>,
  settings: WorkflowSettings,
  now: number,
): Promise<number> {
  const { pipelines } = await store.wanted(runnerId);
  const behind = pipelines.flatMap(({ pipelineId, generation }) => {
    const told = reported.get(pipelineId)?.generation ?? 0;
    return told > generation ? [{ pipelineId, generation, told }] : [];
  });
  const unbelievable = behind.find(({ generation, told }) => told - generation > MOST_AHEAD);
  if (unbelievable !== undefined) {
    const { pipelineId, generation, told } = unbelievable;
    throw new CodedError(
      PROTOCOL_ERRORS.BadFrame,
      `Cannot take the inventory: generation ${told} of pipeline ${pipelineId} is beyond belief, here it is ${generation}`,
    );
  }
  let raised = 0;
  for (const { pipelineId, generation, told } of behind) {
    await nextTurn();
    const pipeline = await store.findPipeline(pipelineId);
    // Changed in the meantime by a person: the next session sees to it.
    if (pipeline === undefined || pipeline.generation !== generation) continue;
    const service = await store.findService(pipeline.serviceId);
    if (service === undefined) continue;
    const next = { ...pipeline, generation: told + 1 };
    const hash = pipelineHash(await pipelineBody(store, next, service, settings));
    const changed = await store.changePipeline(pipelineId, generation, { hash, updatedAt: now }, next.generation);
    if (changed !== undefined) raised++;
  }
  return raised;
}
