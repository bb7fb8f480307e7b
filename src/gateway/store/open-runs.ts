import type { Transaction } from "kysely";
import { OPEN_STATES } from "../../protocol/run-state.ts";
import type { Database } from "./tables.ts";

/** Of one runner, and of one pipeline, when a runner reports runs that nobody ordered: those of one pipeline don't overlap. */
const MOST_OPEN = 10_000;
const MOST_OPEN_OF_PIPELINE = 100;

/** So many runs that haven't ended can be under way nowhere: whoever reports more is not believed. */
export async function hasTooManyOpen(
  transaction: Transaction<Database>,
  runnerId: string,
  pipelineId: string,
): Promise<boolean> {
  const open = transaction
    .selectFrom("run")
    .select("number")
    .where("runner_id", "=", runnerId)
    .where("state", "in", OPEN_STATES)
    .orderBy("state")
    .limit(1);
  const accepted = open.where("pipeline_id", "=", pipelineId).where("dispatch", "=", "accepted");
  const [beyond, beyondOfPipeline] = await Promise.all([
    open.offset(MOST_OPEN - 1).executeTakeFirst(),
    accepted.offset(MOST_OPEN_OF_PIPELINE - 1).executeTakeFirst(),
  ]);
  return beyond !== undefined || beyondOfPipeline !== undefined;
}
