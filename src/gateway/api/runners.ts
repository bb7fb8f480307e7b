import { Hono } from "hono";
import type { RunnerRecord } from "../store/store.ts";
import type { ApiDependencies, ApiEnvironment } from "./dependencies.ts";
import { notFound, pathId } from "./read-request.ts";

/** Routes under `/api/v1/runners`. */
export function runnerRoutes({ store, sessions, log }: ApiDependencies): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  const find = async (runnerId: string): Promise<RunnerRecord> => {
    const runner = await store.findRunner(runnerId);
    if (runner === undefined) throw notFound("runner", runnerId);
    return runner;
  };
  const view = (runner: RunnerRecord): object => {
    const session = sessions.connected().get(runner.runnerId);
    if (session === undefined) return { ...runner, status: "Disconnected" };
    return { ...runner, status: "Connected", orphans: session.orphans, refused: session.refused };
  };

  routes.get("/", async (c) => c.json({ runners: (await store.listRunners()).map(view) }));
  routes.get("/:id", async (c) => c.json(view(await find(pathId(c)))));
  routes.post("/:id/rebind", async (c) => {
    const runnerId = pathId(c);
    if (!(await store.rebindRunner(runnerId))) throw notFound("runner", runnerId);
    log.info("A runner id was freed for another installation", { runnerId });
    sessions.wake(runnerId);
    return c.json(view(await find(runnerId)));
  });
  return routes;
}
