import type { Difference, RunnerSide, WantedPipelines } from "../connection/runner-side.ts";
import { bury, type RouterSurroundings, route } from "./router.ts";

/** The one place where the connection meets runs and pipelines. */
export function runnerSide(surroundings: RouterSurroundings): RunnerSide {
  const { pipelines, runs } = surroundings;
  return {
    inventory: async () => ({
      pipelines: pipelines.keys(),
      runs: runs.table.all().map(({ runId, pipelineId, attempt, state }) => ({ runId, pipelineId, attempt, state })),
    }),
    compare: (wanted) => compare(surroundings, wanted),
    operate: (operation, clockOffsetMs) => route(operation, clockOffsetMs, surroundings),
    acknowledged: (report) => runs.acknowledged(report),
    logs: runs.logs,
  };
}

async function compare(surroundings: RouterSurroundings, wanted: WantedPipelines): Promise<Difference> {
  const difference = surroundings.pipelines.compare(wanted.pipelines, wanted.tombstones);
  let deleted = 0;
  // Its runs are ended before a pipeline is removed; the runner greets anew as soon as it sees them.
  const remove = surroundings.unknownRuns?.() === undefined ? difference.remove : [];
  for (const tombstone of remove) if (await bury(tombstone, surroundings)) deleted++;
  return { fetch: difference.fetch, deleted, orphans: difference.orphans };
}
