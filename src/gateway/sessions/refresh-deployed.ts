import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { PipelineRecord, Store } from "../store/store.ts";
import { pipelineBody, pipelineHash, type WorkflowSettings } from "./workflow-config.ts";

const PAGE = 500;

/**
 * What a runner gets of a pipeline depends on the gateway's own settings and on its version too. So at its start the
 * gateway compares every deployed pipeline with what it would send now, and makes a new generation of those that differ.
 * One that can't be compared is told and left as it is. Answers how many were raised.
 */
export async function refreshDeployed(
  store: Store,
  settings: WorkflowSettings,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<number> {
  let raised = 0;
  for (let after: string | undefined; ; ) {
    const page = await store.listPipelines({ limit: PAGE, ...(after === undefined ? {} : { afterName: after }) });
    for (const pipeline of page.filter(({ deployed }) => deployed)) {
      try {
        if (await refresh(store, pipeline, settings, clock.now())) raised++;
      } catch (error) {
        const { pipelineId } = pipeline;
        log.warn("Cannot compare a deployed pipeline with the settings", { pipelineId, error: describeError(error) });
      }
    }
    after = page.at(-1)?.fullyQualifiedName;
    if (page.length < PAGE) break;
  }
  if (raised > 0) log.info("Deployed pipelines were brought up to the gateway's settings", { pipelines: raised });
  return raised;
}

async function refresh(
  store: Store,
  pipeline: PipelineRecord,
  settings: WorkflowSettings,
  now: number,
): Promise<boolean> {
  const service = await store.findService(pipeline.serviceId);
  if (service === undefined) return false;
  const present = await pipelineBody(store, pipeline, service, settings);
  if (pipelineHash(present) === pipeline.hash) return false;
  const hash = pipelineHash({ ...present, generation: pipeline.generation + 1 });
  const changes = { hash, updatedAt: now };
  return (await store.changePipeline(pipeline.pipelineId, pipeline.generation, changes)) !== undefined;
}
