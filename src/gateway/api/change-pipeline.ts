import { CodedError } from "../../base/errors.ts";
import type { Sensitive } from "../../base/sensitive.ts";
import { pipelineBody, pipelineHash } from "../sessions/workflow-config.ts";
import type { PipelineChanges, PipelineRecord, Store } from "../store/store.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";
import { notFound } from "./read-request.ts";

const ATTEMPTS = 5;

/** A pipeline that was not deleted. @throws CodedError NotFound */
export async function findLivePipeline(store: Store, pipelineId: string): Promise<PipelineRecord> {
  const pipeline = await store.findPipeline(pipelineId);
  if (pipeline === undefined || pipeline.deletedAt !== undefined) throw notFound(store, "pipeline", pipelineId);
  return pipeline;
}

/**
 * Makes the next generation of a pipeline and tells its runner. `changes` is asked anew when somebody else was faster.
 * @throws CodedError NotFound, ChangedMeanwhile, PipelineTooLarge
 */
export async function changePipeline(
  { store, sessions, clock }: ApiDependencies,
  pipelineId: string,
  changes: (present: PipelineRecord) => Promise<Omit<PipelineChanges, "updatedAt">>,
): Promise<PipelineRecord> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const present = await findLivePipeline(store, pipelineId);
    const wanted = { ...(await changes(present)), updatedAt: clock.now() };
    const changed = await store.changePipeline(pipelineId, present.generation, wanted);
    if (changed === undefined) continue;
    sessions.wake(changed.runnerId);
    return changed;
  }
  throw new CodedError(API_ERRORS.ChangedMeanwhile, `Cannot change pipeline ${pipelineId}: others keep changing it`);
}

/** Hash of the next generation of a pipeline, whose fields are given as they will be; so is its bot token where that changes. @throws CodedError NotFound, PipelineTooLarge */
export async function hashOfNext(
  { store, serverApiUrl }: ApiDependencies,
  pipeline: PipelineRecord,
  newToken?: Sensitive | null,
): Promise<string> {
  const service = await store.findService(pipeline.serviceId);
  if (service === undefined) throw notFound(store, "service", pipeline.serviceId);
  const tokens = newToken === undefined ? store : { botToken: async () => newToken ?? undefined };
  const next = { ...pipeline, generation: pipeline.generation + 1 };
  return pipelineHash(await pipelineBody(tokens, next, service, { serverApiUrl }));
}
