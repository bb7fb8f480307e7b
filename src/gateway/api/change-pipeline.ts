import { CodedError } from "../../base/errors.ts";
import type { Sensitive } from "../../base/sensitive.ts";
import type { Json } from "../../protocol/messages.ts";
import { equalInConstantTime } from "../../runtime/crypto.ts";
import { canonicalJson, pipelineBody, pipelineHash } from "../sessions/workflow-config.ts";
import type { PipelineChanges, PipelineRecord, Store } from "../store/store.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";
import { notFound } from "./read-request.ts";

const ATTEMPTS = 5;

/** What shall be otherwise; the hash follows from it. */
export type WantedChanges = Omit<PipelineChanges, "updatedAt" | "hash">;

/** A pipeline that was not deleted. @throws CodedError NotFound */
export async function findLivePipeline(store: Store, pipelineId: string): Promise<PipelineRecord> {
  const pipeline = await store.findPipeline(pipelineId);
  if (pipeline === undefined || pipeline.deletedAt !== undefined) throw notFound(store, "pipeline", pipelineId);
  return pipeline;
}

/**
 * Makes the next generation of a pipeline and tells its runner. What is so already stays the generation it is, unless `anew`.
 * `changes` is asked anew when somebody else was faster.
 * @throws CodedError NotFound, ChangedMeanwhile, PipelineTooLarge
 */
export async function changePipeline(
  deps: ApiDependencies,
  pipelineId: string,
  changes: (present: PipelineRecord) => WantedChanges,
  anew = false,
): Promise<PipelineRecord> {
  const { store, sessions, clock } = deps;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const present = await findLivePipeline(store, pipelineId);
    const { botToken, ...fields } = changes(present);
    const next = changedBy(present, fields);
    if (!anew && (await isSame(deps, present, next, botToken))) return present;
    const isSent = next.deployed && next.deletedAt === undefined;
    const hash = isSent ? await hashOf(deps, { ...next, generation: present.generation + 1 }, botToken) : undefined;
    const changed = await store.changePipeline(pipelineId, present.generation, {
      ...fields,
      ...(botToken === undefined ? {} : { botToken }),
      ...(hash === undefined ? {} : { hash }),
      updatedAt: clock.now(),
    });
    if (changed === undefined) continue;
    sessions.wake(changed.runnerId);
    return changed;
  }
  throw new CodedError(API_ERRORS.ChangedMeanwhile, `Cannot change pipeline ${pipelineId}: others keep changing it`);
}

function changedBy(present: PipelineRecord, fields: Omit<WantedChanges, "botToken">): PipelineRecord {
  const kept = Object.entries({ ...present, ...fields }).filter(([, value]) => value !== null);
  return Object.fromEntries(kept) as unknown as PipelineRecord;
}

/** True when neither the record, nor the bot token, nor what a runner is sent of it would be another. */
async function isSame(
  deps: ApiDependencies,
  present: PipelineRecord,
  next: PipelineRecord,
  botToken: Sensitive | null | undefined,
): Promise<boolean> {
  if (canonicalJson(present as unknown as Json) !== canonicalJson(next as unknown as Json)) return false;
  if (botToken !== undefined) {
    const kept = await deps.store.botToken(present.pipelineId);
    if ((kept === undefined) !== (botToken === null)) return false;
    if (kept && botToken && !equalInConstantTime(kept.reveal(), botToken.reveal())) return false;
  }
  return !present.deployed || (await hashOf(deps, present)) === present.hash;
}

/** Hash of what a runner is sent of a pipeline in this generation. @throws CodedError NotFound, PipelineTooLarge */
async function hashOf(
  { store, serverApiUrl }: ApiDependencies,
  pipeline: PipelineRecord,
  newToken?: Sensitive | null,
): Promise<string> {
  const service = await store.findService(pipeline.serviceId);
  if (service === undefined) throw notFound(store, "service", pipeline.serviceId);
  const tokens = newToken === undefined ? store : { botToken: async () => newToken ?? undefined };
  return pipelineHash(await pipelineBody(tokens, pipeline, service, { serverApiUrl }));
}
