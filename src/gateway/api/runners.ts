import { instant } from "../../base/instants.ts";
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
  clock,
  log,
}: ApiDependencies): Handlers<
  "listRunners" | "getRunner" | "getRunnerStatus" | "rebindRunner" | "retireRunner" | "deleteRunner"
> {
  const find = async (runnerId: string): Promise<RunnerRecord> => {
    const runner = await store.findRunner(runnerId);
    if (runner === undefined) throw notFound(store, "runner", runnerId);
    return runner;
  };
  const view = async (runner: RunnerRecord): Promise<RunnerView> => {
    const { runnerId } = runner;
    const session = sessions.connected().get(runnerId);
    const loss = sessions.lastLoss(runnerId);
    const lastError = loss === undefined ? {} : { lastError: { ...loss, at: instant(loss.at) } };
    if (session === undefined) return { ...inApi(runner), status: "Disconnected", ...lastError };
    const { address, maxConcurrentRuns, orphans, refused } = session;
    const taken = (await store.openRuns(runnerId)).filter(({ dispatch }) => dispatch !== "waiting").length;
    return {
      ...inApi(runner),
      status: "Connected",
      ...(address === undefined ? {} : { address }),
      freePlaces: Math.max(0, maxConcurrentRuns - taken),
      ...lastError,
      orphans,
      refused,
    };
  };

  return {
    listRunners: async () => ({ runners: await Promise.all((await store.listRunners()).map(view)) }),
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
    retireRunner: async ({ id }) => {
      const runner = await store.retireRunner(id, clock.now());
      if (runner === undefined) throw notFound(store, "runner", id);
      sessions.end(({ runnerId }) => runnerId === id, "retired", `runner ${id} was taken out of service`);
      const since = instant(runner.retiredAt ?? clock.now());
      const endedRuns = await sessions.endRuns(id, `runner ${id} is retired since ${since}`);
      log.info("A runner was retired", { runnerId: id, endedRuns });
      return view(runner);
    },
    deleteRunner: async ({ id, query: { force } }) => {
      const runner = await find(id);
      const now = clock.now();
      const end = (): void =>
        sessions.end(({ runnerId }) => runnerId === id, "unauthorized", `runner ${id} was removed`);
      let endedRuns = 0;
      if (force) {
        // Retired first, so that it neither comes back nor leaves a run open, whenever this is interrupted.
        await store.retireRunner(id, now);
        end();
        endedRuns = await sessions.endRuns(id, `runner ${id} was removed at ${instant(now)}`);
      }
      await store.removeRunner(id, now, force);
      end();
      log.info("A runner was removed", { runnerId: id, force, endedRuns });
      return { ...inApi(runner), status: "Disconnected" };
    },
    rebindRunner: async ({ id }) => {
      if (!(await store.rebindRunner(id))) throw notFound(store, "runner", id);
      log.info("A runner id was freed for another installation", { runnerId: id });
      sessions.wake(id);
      return view(await find(id));
    },
  };
}
