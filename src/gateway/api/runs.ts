import { isTerminal } from "../../protocol/run-state.ts";
import { heldNote } from "../store/log-marker.ts";
import type { RunQuery, RunRecord } from "../store/store.ts";
import type { ApiDependencies } from "./dependencies.ts";
import type { LogProof } from "./log-proof.ts";
import { notFound } from "./read-request.ts";
import { listedRunView, runView } from "./run-view.ts";
import type { RunListQuery } from "./schemas.ts";
import type { Handlers } from "./serve-route.ts";

/** Serves the routes of runs, without the live events. */
export function runHandlers(
  { store, sessions }: ApiDependencies,
  proofOf: (run: RunRecord) => Promise<LogProof>,
): Handlers<"listRuns" | "getRun" | "stopRun" | "getRunLog"> {
  const find = async (runId: string): Promise<RunRecord> => {
    const run = await store.findRun(runId);
    if (run === undefined) throw notFound(store, "run", runId);
    return run;
  };

  return {
    listRuns: async ({ query }) => {
      const runs = await store.listRuns(toStoreQuery(query));
      const last = runs.length === query.limit ? runs.at(-1) : undefined;
      return {
        runs: await Promise.all(runs.map((run) => listedRunView(run, sessions))),
        ...(last === undefined ? {} : { nextBefore: last.runId }),
      };
    },
    getRun: async ({ id }) => runView(await find(id), sessions),
    stopRun: async ({ id }) => {
      const run = await store.requestStop(id);
      if (run === undefined) throw notFound(store, "run", id);
      sessions.announceRun(run);
      sessions.wake(run.runnerId, "runs");
      return { run: await runView(run, sessions) };
    },
    getRunLog: async ({ id, query: { after, limit } }) => {
      const run = await find(id);
      const page = await store.readLog(run.runId, after, limit);
      return { ...page, ...(await proofOf(run)), gaps: run.logGaps, ...cappedFields(run) };
    },
  };
}

function cappedFields(run: RunRecord): { readonly capped: boolean; readonly note?: string } {
  if (run.logHeldAt === undefined) return { capped: run.logCappedAt !== undefined };
  return { capped: true, ...(isTerminal(run.state) ? {} : { note: heldNote(run.runId, run.logHeldAt) }) };
}

function toStoreQuery(query: RunListQuery): RunQuery {
  const { state, before, ...rest } = query;
  return {
    ...rest,
    ...(state === undefined ? {} : { states: state }),
    ...(before === undefined ? {} : { beforeRunId: before }),
  };
}
