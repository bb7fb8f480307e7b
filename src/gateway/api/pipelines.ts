import { CodedError, describeError } from "../../base/errors.ts";
import { Sensitive } from "../../base/sensitive.ts";
import type { PipelineRecord } from "../store/store.ts";
import { changePipeline, findLivePipeline } from "./change-pipeline.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";
import { inApi } from "./instants.ts";
import { patchPipeline } from "./patch-pipeline.ts";
import { notFound } from "./read-request.ts";
import {
  type Configurations,
  remarked,
  remarksOn,
  runnerRemarks,
  typeRemarks,
  unwrapped,
  unwrapRemarks,
  type Warning,
} from "./remarks.ts";
import { runView } from "./run-view.ts";
import type { PipelineWish } from "./schemas.ts";
import type { Handlers } from "./serve-route.ts";
import { startRun } from "./start-run.ts";

/** Serves the routes of pipelines. */
export function pipelineHandlers(
  deps: ApiDependencies,
): Handlers<
  | "listPipelines"
  | "getPipeline"
  | "createPipeline"
  | "patchPipeline"
  | "deletePipeline"
  | "deployPipeline"
  | "togglePipeline"
  | "runPipeline"
  | "stopPipeline"
> {
  const { store, sessions } = deps;
  return {
    listPipelines: async ({ query: { after, ...rest } }) => {
      const pipelines = await store.listPipelines({ ...rest, ...(after === undefined ? {} : { afterName: after }) });
      const last = pipelines.length === rest.limit ? pipelines.at(-1) : undefined;
      return { pipelines: pipelines.map(inApi), ...(last === undefined ? {} : { nextAfter: last.fullyQualifiedName }) };
    },
    getPipeline: async ({ id }) => inApi(await findLivePipeline(store, id)),
    createPipeline: async ({ body }) => {
      const warnings = [...unwrapRemarks("sourceConfig", body.sourceConfig), ...remarksOn(configurationsOf(body))];
      const pipeline = await createPipeline(deps, body);
      return remarked(inApi(pipeline), [...warnings, ...(await standingRemarks(deps, pipeline))]);
    },
    patchPipeline: async ({ id, body, ifMatch }) => {
      const changed = await patchPipeline(deps, id, body, ifMatch);
      const warnings = [...unwrapRemarks("sourceConfig", body.sourceConfig), ...(await deployRemarks(deps, changed))];
      return remarked(inApi(changed), warnings);
    },
    deletePipeline: async ({ id }) => inApi(await deletePipeline(deps, id)),
    deployPipeline: async ({ id }) => {
      const warnings = await deployRemarks(deps, await findLivePipeline(store, id));
      // Who deploys again wants it sent again, perhaps because the runner's side is another now.
      const deployed = await changePipeline(deps, id, () => ({ deployed: true }), true);
      return remarked(inApi(deployed), warnings);
    },
    togglePipeline: async ({ id, body: { enabled: wish } }) => {
      const toggled = await changePipeline(deps, id, ({ enabled }) => ({ enabled: wish ?? !enabled }));
      return inApi(toggled);
    },
    runPipeline: async ({ id, body }) => {
      const { sourceConfigOverride, appConfigOverride } = body;
      const warnings = [
        ...unwrapRemarks("sourceConfigOverride", sourceConfigOverride),
        ...remarksOn({ sourceConfigOverride, appConfigOverride }),
      ];
      const run = await startRun(deps, await findLivePipeline(store, id), body);
      const told = [...warnings, ...(await runnerRemarks(store, run.runnerId))];
      return remarked({ run: await runView(run, sessions) }, told);
    },
    stopPipeline: async ({ id }) => {
      const pipeline = await findLivePipeline(store, id);
      const runs = await stopRuns(deps, pipeline);
      sessions.wake(pipeline.runnerId);
      return { runs, told: await tellToStop(deps, pipeline) };
    },
  };
}

async function createPipeline(
  { store, clock, sessions }: ApiDependencies,
  wish: PipelineWish,
): Promise<PipelineRecord> {
  const { botToken, sourceConfig, ...rest } = wish;
  const service = await store.findService(wish.serviceId);
  if (service === undefined) throw notFound(store, "service", wish.serviceId);
  const now = clock.now();
  const pipeline: PipelineRecord = {
    ...rest,
    sourceConfig: unwrapped(sourceConfig),
    pipelineId: crypto.randomUUID(),
    runnerId: service.runnerId,
    fullyQualifiedName: `${service.name}.${wish.name}`,
    enabled: true,
    deployed: false,
    generation: 1,
    hash: "",
    createdAt: now,
    updatedAt: now,
  };
  await store.addPipeline(pipeline, botToken === undefined ? undefined : new Sensitive(botToken));
  sessions.wake(pipeline.runnerId);
  return pipeline;
}

function configurationsOf({ sourceConfig, sink }: Pick<PipelineRecord, "sourceConfig" | "sink">): Configurations {
  return { sourceConfig, sink };
}

/** All that is doubtful about what was deployed, its service's part too. */
async function deployRemarks(deps: ApiDependencies, pipeline: PipelineRecord): Promise<readonly Warning[]> {
  const connection = (await deps.store.findService(pipeline.serviceId))?.connection;
  const configurations = { connection, ...configurationsOf(pipeline) };
  return [...remarksOn(configurations), ...(await standingRemarks(deps, pipeline))];
}

/** What is doubtful about a pipeline beside its configurations. */
async function standingRemarks({ store }: ApiDependencies, pipeline: PipelineRecord): Promise<readonly Warning[]> {
  return [...typeRemarks(pipeline.pipelineType), ...(await runnerRemarks(store, pipeline.runnerId, pipeline))];
}

/** Leaves a tombstone, which tells the runner to remove it whenever it comes; a second delete finds it done. */
async function deletePipeline(deps: ApiDependencies, pipelineId: string): Promise<PipelineRecord> {
  const present = await deps.store.findPipeline(pipelineId);
  if (present === undefined) throw notFound(deps.store, "pipeline", pipelineId);
  if (present.deletedAt !== undefined) return present;
  const deletedAt = deps.clock.now();
  const deleted = await changePipeline(deps, pipelineId, () => ({ deletedAt })).catch(async (error: unknown) => {
    const now = await deps.store.findPipeline(pipelineId);
    if (error instanceof CodedError && error.code === API_ERRORS.NotFound.code && now?.deletedAt !== undefined)
      return now;
    throw error;
  });
  await stopRuns(deps, deleted);
  deps.sessions.wake(deleted.runnerId);
  return deleted;
}

/** Only the runner knows what its schedules have begun or hold back; one that isn't there is told of the known runs when it is back. */
async function tellToStop({ sessions, log }: ApiDependencies, pipeline: PipelineRecord): Promise<boolean> {
  const { runnerId, pipelineId } = pipeline;
  try {
    const verdict = await sessions.ask(runnerId, { type: "pipeline.stop", body: { pipelineId } });
    return verdict.outcome === "accepted";
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    log.debug("A runner couldn't be told to stop a pipeline", { runnerId, pipelineId, error: describeError(error) });
    return false;
  }
}

async function stopRuns({ store, sessions }: ApiDependencies, pipeline: PipelineRecord): Promise<readonly string[]> {
  const open = await store.openRuns(pipeline.runnerId);
  const stopped: string[] = [];
  for (const { runId, pipelineId } of open) {
    if (pipelineId !== pipeline.pipelineId) continue;
    const run = await store.requestStop(runId);
    if (run === undefined) continue;
    sessions.announceRun(run);
    stopped.push(runId);
  }
  return stopped;
}
