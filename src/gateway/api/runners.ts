import type { RunnerRecord } from "../store/store.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { inApi } from "./instants.ts";
import { notFound } from "./read-request.ts";
import type { Handlers } from "./serve-route.ts";
import type { RunnerView } from "./views.ts";

/** Serves the routes of runners. */
export function runnerHandlers({
  store,
  sessions,
  log,
}: ApiDependencies): Handlers<"listRunners" | "getRunner" | "getRunnerStatus" | "rebindRunner"> {
  const find = async (runnerId: string): Promise<RunnerRecord> => {
    const runner = await store.findRunner(runnerId);
    if (runner === undefined) throw notFound(store, "runner", runnerId);
    return runner;
  };
  const view = (runner: RunnerRecord): RunnerView => {
    const session = sessions.connected().get(runner.runnerId);
    if (session === undefined) return { ...inApi(runner), status: "Disconnected" };
    return { ...inApi(runner), status: "Connected", orphans: session.orphans, refused: session.refused };
  };

  return {
    listRunners: async () => ({ runners: (await store.listRunners()).map(view) }),
    getRunner: async ({ id }) => view(await find(id)),
    getRunnerStatus: async ({ id }) => {
      await find(id);
      const verdict = await sessions.ask(id, { type: "service.status", body: {} });
      if (verdict.outcome === "answered" && verdict.answer.kind === "serviceStatus") {
        const { healthy, message } = verdict.answer;
        return { healthy, message };
      }
      const message = "message" in verdict ? verdict.message : `the runner answered ${verdict.outcome}`;
      return { healthy: false, message };
    },
    rebindRunner: async ({ id }) => {
      if (!(await store.rebindRunner(id))) throw notFound(store, "runner", id);
      log.info("A runner id was freed for another installation", { runnerId: id });
      sessions.wake(id);
      return view(await find(id));
    },
  };
}
