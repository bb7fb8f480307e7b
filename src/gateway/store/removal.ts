import { type Kysely, sql, type Transaction } from "kysely";
import type { Write } from "./group-commit.ts";
import type { RunRetention } from "./kept.ts";
import type { LogUsage } from "./log-usage.ts";
import type { Store } from "./store.ts";
import type { Database } from "./tables.ts";

/** The part of the store that removes what is over. */
export type RemovalStore = Pick<Store, "removeOldRuns" | "noteBuried" | "removeTombstones">;

/** One step holds the database for a few milliseconds, so that whoever waits for it isn't held up. */
const RUNS_AT_ONCE = 50;
const PIECES_AT_ONCE = 500;
const TOMBSTONES_AT_ONCE = 200;

/** Makes it over an open database; `write` shares commits. */
export function createRemovalStore(db: Kysely<Database>, write: Write, usage: LogUsage): RemovalStore {
  return {
    async removeOldRuns(retention) {
      const due = await dueRuns(db, retention);
      if (due.length === 0) return { removed: 0, more: false };
      const removed = await write((transaction) => removeRuns(transaction, due));
      usage.forget();
      return { removed, more: true };
    },

    async noteBuried(pipelineIds, now) {
      if (pipelineIds.length === 0) return;
      await db
        .updateTable("pipeline")
        .set({ buried_at: now })
        .where("pipeline_id", "in", pipelineIds)
        .where("deleted_at", "is not", null)
        .where("buried_at", "is", null)
        .execute();
    },

    async removeTombstones(deletedBefore) {
      const { numDeletedRows } = await db
        .deleteFrom("pipeline")
        .where("pipeline_id", "in", (due) =>
          due
            .selectFrom("pipeline as grave")
            .select("grave.pipeline_id")
            .where("grave.deleted_at", "<", deletedBefore)
            .where(
              sql<boolean>`(grave.buried_at is not null or grave.deployed = 0
                or not exists (select 1 from runner where runner.runner_id = grave.runner_id))`,
            )
            .where(sql<boolean>`not exists (select 1 from run where run.pipeline_id = grave.pipeline_id)`)
            .limit(TOMBSTONES_AT_ONCE),
        )
        .executeTakeFirst();
      const removed = Number(numDeletedRows);
      return { removed, more: removed === TOMBSTONES_AT_ONCE };
    },
  };
}

/** Ids of runs that ended long ago; when there are none, of those that are too many for their pipeline. */
async function dueRuns(db: Kysely<Database>, retention: RunRetention): Promise<readonly string[]> {
  const old = await db
    .selectFrom("run")
    .select("run_id")
    .where("closed_at", "<", retention.closedBefore)
    .orderBy("closed_at")
    .limit(RUNS_AT_ONCE)
    .execute();
  if (old.length > 0) return old.map((row) => row.run_id);
  const crowded = await db
    .selectFrom("run")
    .select("pipeline_id")
    .groupBy("pipeline_id")
    .having((count) => count.fn.countAll(), ">", retention.perPipeline)
    .execute();
  const due: string[] = [];
  for (const { pipeline_id: pipelineId } of crowded) {
    if (due.length >= RUNS_AT_ONCE) break;
    const crowd = await behind(db, pipelineId, retention.mostOfPipeline).execute();
    const found = crowd.length > 0 ? crowd : await surplus(db, pipelineId, retention);
    due.push(...found.map((row) => row.run_id));
  }
  return due;
}

/** Of a pipeline's runs those behind the newest ones, unless their log may still come. */
function surplus(
  db: Kysely<Database>,
  pipelineId: string,
  retention: RunRetention,
): Promise<readonly { readonly run_id: string }[]> {
  return behind(db, pipelineId, retention.perPipeline)
    .where("closed_at", "<", retention.surplusClosedBefore)
    .where(
      sql<boolean>`(log_end_json is null or (json_valid(log_end_json) and json_extract(log_end_json, '$.bytes') = log_bytes))`,
    )
    .execute();
}

/** Some of a pipeline's runs that have ended, behind so many newer ones; the oldest first. */
function behind(db: Kysely<Database>, pipelineId: string, newer: number) {
  return db
    .selectFrom("run")
    .select("run_id")
    .where("pipeline_id", "=", pipelineId)
    .where("number", "<=", (oldest) =>
      oldest
        .selectFrom("run as kept")
        .select("kept.number")
        .where("kept.pipeline_id", "=", pipelineId)
        .orderBy("kept.number", "desc")
        .limit(1)
        .offset(newer),
    )
    .where("closed_at", "is not", null)
    .orderBy("number")
    .limit(RUNS_AT_ONCE);
}

/** Removes these runs, their logs first; answers how many. What is too much for one step is left for the next. */
async function removeRuns(transaction: Transaction<Database>, runIds: readonly string[]): Promise<number> {
  let pieces = PIECES_AT_ONCE;
  let removed = 0;
  for (const runId of runIds) {
    const { numDeletedRows } = await transaction
      .deleteFrom("log_piece")
      .where("run_id", "=", runId)
      .where("offset", "in", (some) =>
        some.selectFrom("log_piece as some").select("some.offset").where("some.run_id", "=", runId).limit(pieces),
      )
      .executeTakeFirst();
    pieces -= Number(numDeletedRows);
    if (pieces <= 0) break;
    await transaction.deleteFrom("run").where("run_id", "=", runId).execute();
    removed++;
  }
  return removed;
}
