import type { Kysely, Selectable } from "kysely";
import { BOUNDS, isWithin } from "../../protocol/bounds.ts";
import { type RowReading, unreadable } from "./readable.ts";
import { runnerRecord } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database, RunnerTable } from "./tables.ts";

/** The part of the store that remembers runners and numbers their sessions. */
export type RunnerStore = Pick<Store, "claimSession" | "touchRunner" | "rebindRunner" | "findRunner" | "listRunners">;

/** Makes it over an open database. */
export function createRunnerStore(db: Kysely<Database>, reading: RowReading): RunnerStore {
  const read = (rows: readonly Selectable<RunnerTable>[]) => reading.all("runner", rows, runnerRecord);
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
        if (!isWithin(BOUNDS.epoch, epoch)) throw unreadable("runner", runner.runnerId, "its epoch is out of bounds");
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
      return read(await db.selectFrom("runner").selectAll().where("runner_id", "=", runnerId).execute())[0];
    },

    async listRunners() {
      return read(await db.selectFrom("runner").selectAll().orderBy("runner_id").execute());
    },
  };
}
