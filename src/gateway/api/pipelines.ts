import { Hono } from "hono";
import { CodedError } from "../../base/errors.ts";
import { Sensitive } from "../../base/sensitive.ts";
import type { PipelineRecord } from "../store/store.ts";
import { changePipeline, findLivePipeline, hashOfNext } from "./change-pipeline.ts";
import type { ApiDependencies, ApiEnvironment } from "./dependencies.ts";
import { API_ERRORS } from "./errors.ts";
import { notFound, pathId, readBody } from "./read-request.ts";
import { NOTHING, PIPELINE_WISH, type PipelineWish, RUN_WISH, TOGGLE_WISH } from "./schemas.ts";
import { startRun } from "./start-run.ts";

/** Routes under `/api/v1/pipelines`. */
export function pipelineRoutes(deps: ApiDependencies): Hono<ApiEnvironment> {
  const { store, sessions } = deps;
  const routes = new Hono<ApiEnvironment>();

  routes.get("/", async (c) => c.json({ pipelines: await store.listPipelines({}) }));
  routes.get("/:id", async (c) => c.json(await findLivePipeline(store, pathId(c))));
  routes.post("/", async (c) => c.json(await createPipeline(deps, await readBody(c, PIPELINE_WISH)), 201));
  routes.delete("/:id", async (c) => c.json(await deletePipeline(deps, pathId(c))));
  routes.post("/:id/deploy", async (c) => {
    await readBody(c, NOTHING);
    const pipeline = await changePipeline(deps, pathId(c), async (present) => ({
      deployed: true,
      hash: await hashOfNext(deps, { ...present, deployed: true }),
    }));
    return c.json(pipeline);
  });
  routes.post("/:id/toggle", async (c) => {
    const { enabled: wish } = await readBody(c, TOGGLE_WISH);
    const pipeline = await changePipeline(deps, pathId(c), async (present) => {
      const enabled = wish ?? !present.enabled;
      if (!present.deployed) return { enabled };
      return { enabled, hash: await hashOfNext(deps, { ...present, enabled }) };
    });
    return c.json(pipeline);
  });
  routes.post("/:id/run", async (c) => {
    const wish = await readBody(c, RUN_WISH);
    return c.json({ run: await startRun(deps, await findLivePipeline(store, pathId(c)), wish) }, 202);
  });
  routes.post("/:id/stop", async (c) => {
    await readBody(c, NOTHING);
    const pipeline = await findLivePipeline(store, pathId(c));
    const runs = await stopRuns(deps, pipeline);
    sessions.wake(pipeline.runnerId);
    return c.json({ runs }, 202);
  });
  return routes;
}

async function createPipeline(
  { store, clock, sessions }: ApiDependencies,
  wish: PipelineWish,
): Promise<PipelineRecord> {
  const { botToken, ...rest } = wish;
  const service = await store.findService(wish.serviceId);
  if (service === undefined) throw notFound("service", wish.serviceId);
  const now = clock.now();
  const pipeline: PipelineRecord = {
    ...rest,
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

/** Leaves a tombstone, which tells the runner to remove it whenever it comes; a second delete finds it done. */
async function deletePipeline(deps: ApiDependencies, pipelineId: string): Promise<PipelineRecord> {
  const present = await deps.store.findPipeline(pipelineId);
  if (present === undefined) throw notFound("pipeline", pipelineId);
  if (present.deletedAt !== undefined) return present;
  const deletedAt = deps.clock.now();
  const deleted = await changePipeline(deps, pipelineId, async () => ({ deletedAt })).catch(async (error: unknown) => {
    const now = await deps.store.findPipeline(pipelineId);
    if (error instanceof CodedError && error.code === API_ERRORS.NotFound.code && now?.deletedAt !== undefined)
      return now;
    throw error;
  });
  await stopRuns(deps, deleted);
  deps.sessions.wake(deleted.runnerId);
  return deleted;
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
