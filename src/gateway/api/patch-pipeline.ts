import { Sensitive } from "../../base/sensitive.ts";
import type { JsonObject } from "../../protocol/messages.ts";
import type { PipelineChanges, PipelineRecord } from "../store/store.ts";
import { changePipeline, hashOfNext } from "./change-pipeline.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { checkTag, pipelineTag } from "./entity-tags.ts";
import { mergePatch } from "./merge-patch.ts";
import { check } from "./read-request.ts";
import { remarksOn, unwrapped } from "./remarks.ts";
import { PIPELINE_CONTENT, type PipelineContent, type PipelinePatch } from "./schemas.ts";

/**
 * Changes a pipeline by a merge patch, as its next generation, which its runner gets if it is deployed.
 * @throws CodedError NotFound, BadRequest, PreconditionFailed, PipelineTooLarge, ChangedMeanwhile
 */
export function patchPipeline(
  deps: ApiDependencies,
  pipelineId: string,
  { botToken, ...patch }: PipelinePatch,
  ifMatch: string | undefined,
): Promise<PipelineRecord> {
  const meant = patch.sourceConfig === undefined ? patch : { ...patch, sourceConfig: unwrapped(patch.sourceConfig) };
  const token = typeof botToken === "string" ? new Sensitive(botToken) : botToken;
  return changePipeline(deps, pipelineId, async (present) => {
    checkTag(ifMatch, pipelineTag(present));
    const { content, rest } = parted(present);
    const next = check("the body", mergePatch(content as unknown as JsonObject, meant as JsonObject), PIPELINE_CONTENT);
    remarksOn({ sourceConfig: next.sourceConfig, sink: next.sink });
    const changes: Omit<PipelineChanges, "updatedAt"> = {
      sourceConfig: next.sourceConfig,
      sink: next.sink ?? null,
      schedule: next.schedule ?? null,
      timeoutSeconds: next.timeoutSeconds ?? null,
      retries: next.retries ?? null,
      retryDelaySeconds: next.retryDelaySeconds ?? null,
      ...(token === undefined ? {} : { botToken: token }),
    };
    if (!present.deployed) return changes;
    return { ...changes, hash: await hashOfNext(deps, { ...rest, ...next }, token) };
  });
}

/** What a patch may change, and the rest. */
function parted(present: PipelineRecord): {
  readonly content: PipelineContent;
  readonly rest: Omit<PipelineRecord, keyof PipelineContent>;
} {
  const { sourceConfig, sink, schedule, timeoutSeconds, retries, retryDelaySeconds, ...rest } = present;
  const content = {
    sourceConfig,
    ...(sink === undefined ? {} : { sink }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(retries === undefined ? {} : { retries }),
    ...(retryDelaySeconds === undefined ? {} : { retryDelaySeconds }),
  };
  return { content, rest };
}
