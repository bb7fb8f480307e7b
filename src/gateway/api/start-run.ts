import { CodedError } from "../../base/errors.ts";
import type { PipelineRecord, RunRecord } from "../store/store.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";
import { unwrapped } from "./remarks.ts";
import type { RunWish } from "./schemas.ts";

/**
 * Puts a run into the store, from where its runner is offered it now, or when it connects, until the queue's time is over.
 * A disabled pipeline has no schedule; whether it runs on demand is its runner's decision.
 * @throws CodedError PipelineNotDeployed
 */
export async function startRun(deps: ApiDependencies, pipeline: PipelineRecord, wish: RunWish): Promise<RunRecord> {
  const { store, sessions, clock, queueTimeoutSeconds } = deps;
  const name = pipeline.fullyQualifiedName;
  if (!pipeline.deployed) {
    throw new CodedError(API_ERRORS.PipelineNotDeployed, `Cannot run pipeline ${name}: it is not deployed`, {
      advice: `Deploy the pipeline first: POST /api/v1/pipelines/${pipeline.pipelineId}/deploy`,
    });
  }
  const now = clock.now();
  const run: RunRecord = {
    runId: crypto.randomUUID(),
    pipelineId: pipeline.pipelineId,
    runnerId: pipeline.runnerId,
    attempt: 1,
    state: "queued",
    dispatch: "waiting",
    stopRequested: false,
    createdAt: now,
    startDeadline: now + queueTimeoutSeconds * 1000,
    logBytes: 0,
    logGaps: [],
    ...(wish.sourceConfigOverride === undefined ? {} : { sourceConfigOverride: unwrapped(wish.sourceConfigOverride) }),
    ...(wish.appConfigOverride === undefined ? {} : { appConfigOverride: wish.appConfigOverride }),
  };
  await store.addRun(run);
  sessions.announceRun(run);
  sessions.wake(run.runnerId, "runs");
  return run;
}
