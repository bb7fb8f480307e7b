import { CodedError } from "../../base/errors.ts";
import { isExactNumber } from "../../base/exact-json.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { Json, JsonObject, PipelineBody } from "../../protocol/messages.ts";
import { sha256Hex } from "../../runtime/crypto.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import type { PipelineRecord, ServiceRecord, Store } from "../store/store.ts";

/** What the workflow configuration of every pipeline takes from the gateway's own settings. */
export interface WorkflowSettings {
  /** OpenMetadata's API as the ingestion program shall call it; absent: the program is told of no server. */
  readonly serverApiUrl?: string | undefined;
}

/**
 * The body that a runner gets for this generation of a pipeline. Its hash is the record's; a deploy computes the one of
 * its new generation with `pipelineHash`.
 * @throws CodedError PipelineTooLarge, WrongStoreKey, StoreUnavailable
 */
export async function pipelineBody(
  store: Pick<Store, "botToken">,
  pipeline: PipelineRecord,
  service: ServiceRecord,
  settings: WorkflowSettings = {},
): Promise<PipelineBody> {
  const token = await store.botToken(pipeline.pipelineId);
  const config = workflowConfig(pipeline, service, settings.serverApiUrl, token?.reveal());
  const bytes = new TextEncoder().encode(JSON.stringify(config)).length;
  if (bytes > LIMITS.maxConfigBytes) {
    throw new CodedError(
      GATEWAY_ERRORS.PipelineTooLarge,
      `Cannot deploy pipeline ${pipeline.pipelineId}: its configuration has ${bytes} bytes and may have ${LIMITS.maxConfigBytes}`,
      { facts: { pipelineId: pipeline.pipelineId, bytes, limit: LIMITS.maxConfigBytes } },
    );
  }
  return {
    pipelineId: pipeline.pipelineId,
    generation: pipeline.generation,
    hash: pipeline.hash,
    name: pipeline.name,
    fullyQualifiedName: pipeline.fullyQualifiedName,
    pipelineType: pipeline.pipelineType,
    enabled: pipeline.enabled,
    ...(pipeline.schedule === undefined ? {} : { schedule: pipeline.schedule }),
    ...(pipeline.timeoutSeconds === undefined ? {} : { timeoutSeconds: pipeline.timeoutSeconds }),
    ...(pipeline.retries === undefined ? {} : { retries: pipeline.retries }),
    ...(pipeline.retryDelaySeconds === undefined ? {} : { retryDelaySeconds: pipeline.retryDelaySeconds }),
    config,
  };
}

/** SHA-256 of a body as canonical JSON (keys sorted, no spaces), its own `hash` left out. */
export function pipelineHash(body: PipelineBody): string {
  const { hash: _, ...rest } = body;
  return sha256Hex(canonicalJson(rest));
}

/** The configuration `metadata ingest` takes, in the shape of OpenMetadata's own builder (facts: openmetadata-contract §2.4, §3.2). */
function workflowConfig(
  pipeline: PipelineRecord,
  service: ServiceRecord,
  serverApiUrl: string | undefined,
  jwtToken: string | undefined,
): JsonObject {
  const workflow: JsonObject = { loggerLevel: "INFO" };
  if (serverApiUrl !== undefined && jwtToken !== undefined) {
    workflow["openMetadataServerConfig"] = {
      hostPort: serverApiUrl,
      authProvider: "openmetadata",
      securityConfig: { jwtToken },
    };
  }
  return {
    source: {
      type: service.serviceType.toLowerCase(),
      serviceName: service.name,
      // Some services are stored with the wrapper already, so that the whole of `config` can be one secret reference.
      serviceConnection: Object.hasOwn(service.connection, "config")
        ? service.connection
        : { config: service.connection },
      sourceConfig: { config: pipeline.sourceConfig },
    },
    sink: pipeline.sink ?? { type: "metadata-rest", config: {} },
    workflowConfig: workflow,
    ingestionPipelineFQN: pipeline.fullyQualifiedName,
  };
}

/** JSON text with sorted keys and no spaces: the same for values that mean the same. */
export function canonicalJson(value: Json | undefined): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null || isExactNumber(value)) return JSON.stringify(value);
  const entries = Object.keys(value).sort();
  return `{${entries.map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`).join(",")}}`;
}
