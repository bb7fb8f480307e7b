import type { Kysely } from "kysely";
import { runnerRecord } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database } from "./tables.ts";

/** The part of the store that remembers runners and numbers their sessions. */
export type RunnerStore = Pick<Store, "claimSession" | "touchRunner" | "rebindRunner" | "findRunner" | "listRunners">;

/** Makes it over an open database. */
export function createRunnerStore(db: Kysely<Database>): RunnerStore {
  return {
    claimSession: (runner, now) =>
      db.transaction().execute(async (transaction) => {
        const known = await transaction
          .selectFrom("runner")
          .select(["installation_id", "epoch"])
          .where("runner_id", "=", runner.runnerId)
          .executeTakeFirst();
        const bound = known?.installation_id ?? undefined;
        if (bound !== undefined && bound !== runner.installationId) return { refused: "runnerIdInUse", boundTo: bound };
        const epoch = (known?.epoch ?? 0) + 1;
        const fields = {
          installation_id: runner.installationId,
          instance_id: runner.instanceId ?? null,
          epoch,
          runner_version: runner.runnerVersion ?? null,
          ingestion_version: runner.ingestionVersion ?? null,
          executor: runner.executor ?? null,
          platform: runner.platform ?? null,
          max_concurrent_runs: runner.maxConcurrentRuns ?? null,
          last_seen_at: runner.lastSeenAt ?? now,
        };
        await transaction
          .insertInto("runner")
          .values({ runner_id: runner.runnerId, created_at: now, ...fields })
          .onConflict((conflict) => conflict.column("runner_id").doUpdateSet(fields))
          .execute();
        return { epoch };
      }),

    async touchRunner(runnerId, now) {
      await db.updateTable("runner").set({ last_seen_at: now }).where("runner_id", "=", runnerId).execute();
    },

    async rebindRunner(runnerId) {
      const { numUpdatedRows } = await db
        .updateTable("runner")
        .set({ installation_id: null })
        .where("runner_id", "=", runnerId)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async findRunner(runnerId) {
      const row = await db.selectFrom("runner").selectAll().where("runner_id", "=", runnerId).executeTakeFirst();
      return row === undefined ? undefined : runnerRecord(row);
    },

    async listRunners() {
      const rows = await db.selectFrom("runner").selectAll().orderBy("runner_id").execute();
      return rows.map(runnerRecord);
    },
  };
}
