import { Sensitive } from "../../base/sensitive.ts";
import type { JsonObject } from "../../protocol/messages.ts";
import type { PipelineRecord } from "../store/store.ts";
import { changePipeline } from "./change-pipeline.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { checkTag, pipelineTag } from "./entity-tags.ts";
import { mergePatch } from "./merge-patch.ts";
import { check } from "./read-request.ts";
import { remarksOn, unwrapped } from "./remarks.ts";
import { PIPELINE_CONTENT, type PipelineContent, type PipelinePatch } from "./schemas.ts";

/**
 * Changes a pipeline by a merge patch, as its next generation, which its runner gets if it is deployed. A patch that changes nothing makes none.
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
  return changePipeline(deps, pipelineId, (present) => {
    checkTag(ifMatch, pipelineTag(present));
    const merged = mergePatch(contentOf(present) as unknown as JsonObject, meant as JsonObject);
    const next = check("the body", merged, PIPELINE_CONTENT);
    remarksOn({ sourceConfig: next.sourceConfig, sink: next.sink });
    return {
      sourceConfig: next.sourceConfig,
      sink: next.sink ?? null,
      schedule: next.schedule ?? null,
      timeoutSeconds: next.timeoutSeconds ?? null,
      retries: next.retries ?? null,
      retryDelaySeconds: next.retryDelaySeconds ?? null,
      ...(token === undefined ? {} : { botToken: token }),
    };
  });
}

/** What a patch may change. */
function contentOf(present: PipelineRecord): PipelineContent {
  const { sourceConfig, sink, schedule, timeoutSeconds, retries, retryDelaySeconds } = present;
  return {
    sourceConfig,
    ...(sink === undefined ? {} : { sink }),
    ...(schedule === undefined ? {} : { schedule }),
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(retries === undefined ? {} : { retries }),
    ...(retryDelaySeconds === undefined ? {} : { retryDelaySeconds }),
  };
}
