import { CodedError } from "../../base/errors.ts";
import type { JsonObject } from "../../protocol/messages.ts";
import { pipelineBody } from "../sessions/workflow-config.ts";
import type { PipelineRecord, ServiceRecord, Store } from "../store/store.ts";
import { changePipeline } from "./change-pipeline.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { checkTag, serviceTag } from "./entity-tags.ts";
import { API_ERRORS } from "./errors.ts";
import { inApi } from "./instants.ts";
import { mergePatch } from "./merge-patch.ts";
import { check, notFound } from "./read-request.ts";
import { remarksOn } from "./remarks.ts";
import { SERVICE_CONTENT } from "./schemas.ts";

const ATTEMPTS = 5;
const PAGE = 500;

/**
 * Changes a service by a merge patch and brings it to its runner: every deployed pipeline of it
 * that is sent something else then gets a new generation.
 * @throws CodedError NotFound, BadRequest, PreconditionFailed, PipelineTooLarge, ChangedMeanwhile
 */
export async function changeService(
  deps: ApiDependencies,
  serviceId: string,
  patch: JsonObject,
  ifMatch: string | undefined,
): Promise<ServiceRecord> {
  const { store, sessions, serverApiUrl } = deps;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const present = await store.findService(serviceId);
    if (present === undefined) throw notFound(store, "service", serviceId);
    checkTag(ifMatch, serviceTag(inApi(present)));
    const { serviceType, connection } = present;
    const content = check("the body", mergePatch({ serviceType, connection }, patch), SERVICE_CONTENT);
    remarksOn({ connection: content.connection });
    const next = { ...present, ...content };
    const concerned = await deployedPipelines(store, serviceId);
    // What a runner could not be sent is told before anything is changed.
    for (const pipeline of concerned) await pipelineBody(store, pipeline, next, { serverApiUrl });
    const changed = await store.changeService(present, content);
    if (changed === undefined) continue;
    for (const { pipelineId } of concerned) {
      await changePipeline(deps, pipelineId, () => ({}));
    }
    sessions.wake(changed.runnerId);
    return changed;
  }
  throw new CodedError(API_ERRORS.ChangedMeanwhile, `Cannot change service ${serviceId}: others keep changing it`);
}

async function deployedPipelines(store: Store, serviceId: string): Promise<readonly PipelineRecord[]> {
  const all: PipelineRecord[] = [];
  for (let after: string | undefined; ; ) {
    const cursor = after === undefined ? {} : { afterName: after };
    const page = await store.listPipelines({ serviceId, limit: PAGE, ...cursor });
    all.push(...page.filter(({ deployed }) => deployed));
    if (page.length < PAGE) return all;
    after = page.at(-1)?.fullyQualifiedName;
  }
}
