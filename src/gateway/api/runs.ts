import { Hono } from "hono";
import type { RunQuery, RunRecord } from "../store/store.ts";
import type { ApiDependencies, ApiEnvironment } from "./dependencies.ts";
import type { LogProof } from "./log-proof.ts";
import { notFound, pathId, readBody, readQuery } from "./read-request.ts";
import { LOG_QUERY, NOTHING, RUN_LIST_QUERY, type RunListQuery } from "./schemas.ts";

/** Routes under `/api/v1/runs`, without the live events. */
export function runRoutes(
  { store, sessions }: ApiDependencies,
  proofOf: (run: RunRecord) => Promise<LogProof>,
): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  const find = async (runId: string): Promise<RunRecord> => {
    const run = await store.findRun(runId);
    if (run === undefined) throw notFound("run", runId);
    return run;
  };

  routes.get("/", async (c) => {
    const query = readQuery(c, RUN_LIST_QUERY, ["state"]);
    const runs = await store.listRuns(toStoreQuery(query));
    const last = runs.length === query.limit ? runs.at(-1) : undefined;
    return c.json({ runs, nextBefore: last?.runId });
  });
  routes.get("/:id", async (c) => c.json(await find(pathId(c))));
  routes.post("/:id/stop", async (c) => {
    await readBody(c, NOTHING);
    const run = await store.requestStop(pathId(c));
    if (run === undefined) throw notFound("run", pathId(c));
    sessions.announceRun(run);
    sessions.wake(run.runnerId);
    return c.json({ run }, 202);
  });
  routes.get("/:id/logs", async (c) => {
    const { after, limit } = readQuery(c, LOG_QUERY);
    const run = await find(pathId(c));
    const page = await store.readLog(run.runId, after, limit);
    return c.json({ ...page, ...(await proofOf(run)), gaps: run.logGaps });
  });
  return routes;
}

function toStoreQuery(query: RunListQuery): RunQuery {
  const { state, before, ...rest } = query;
  return {
    ...rest,
    ...(state === undefined ? {} : { states: state }),
    ...(before === undefined ? {} : { beforeRunId: before }),
  };
}
