import { isJsonObject } from "../base/exact-json.ts";
import type { RunSpec } from "../executor/executor.ts";
import type { Json, JsonObject, MessageBodies, PipelineBody } from "../protocol/messages.ts";

/** What is told about a run to start: by the gateway, or by a schedule of this runner. */
export type RunOrder = Omit<MessageBodies["run.start"], "operationId">;

/** Makes what the executor needs from a deployed pipeline and the order to run it. `startBefore` is this machine's time. */
export function specOf(pipeline: PipelineBody, order: RunOrder, startBefore: number): RunSpec {
  return {
    runId: order.runId,
    attempt: order.attempt,
    pipelineId: pipeline.pipelineId,
    pipelineName: pipeline.name,
    fullyQualifiedName: pipeline.fullyQualifiedName,
    pipelineType: pipeline.pipelineType,
    config: withOverrides(pipeline.config, order),
    startBefore,
    ...(pipeline.timeoutSeconds === undefined ? {} : { timeoutSeconds: pipeline.timeoutSeconds }),
    ...(pipeline.retries === undefined ? {} : { retries: pipeline.retries }),
    ...(pipeline.retryDelaySeconds === undefined ? {} : { retryDelaySeconds: pipeline.retryDelaySeconds }),
  };
}

/**
 * Top-level keys of the source override replace those of `source.sourceConfig.config`; an application override replaces
 * `appConfig` (facts: openmetadata-contract §1.2, runPipelineWithOptions).
 */
function withOverrides(
  config: JsonObject,
  order: Pick<RunOrder, "sourceConfigOverride" | "appConfigOverride">,
): JsonObject {
  let result = config;
  if (order.sourceConfigOverride !== undefined) {
    const source = asObject(result["source"]);
    const sourceConfig = asObject(source["sourceConfig"]);
    const merged = { ...asObject(sourceConfig["config"]), ...order.sourceConfigOverride };
    result = { ...result, source: { ...source, sourceConfig: { ...sourceConfig, config: merged } } };
  }
  if (order.appConfigOverride !== undefined) result = { ...result, appConfig: order.appConfigOverride };
  return result;
}

function asObject(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}
