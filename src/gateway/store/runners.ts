import type { Kysely, Selectable } from "kysely";
import { counted } from "../../base/counted.ts";
import { CodedError } from "../../base/errors.ts";
import { BOUNDS, isWithin } from "../../protocol/bounds.ts";
import { OPEN_STATES } from "../../protocol/run-state.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { type RowReading, unreadable } from "./readable.ts";
import { runnerRecord } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database, RunnerTable } from "./tables.ts";

/** The part of the store that remembers runners and numbers their sessions. */
export type RunnerStore = Pick<
  Store,
  "claimSession" | "touchRunner" | "rebindRunner" | "retireRunner" | "removeRunner" | "findRunner" | "listRunners"
>;

/** Makes it over an open database. */
export function createRunnerStore(db: Kysely<Database>, reading: RowReading): RunnerStore {
  const read = (rows: readonly Selectable<RunnerTable>[]) => reading.all("runner", rows, runnerRecord);
  return {
    claimSession: (runner, now) =>
      db.transaction().execute(async (transaction) => {
        const known = await transaction
          .selectFrom("runner")
          .select(["installation_id", "epoch", "retired_at"])
          .where("runner_id", "=", runner.runnerId)
          .executeTakeFirst();
        if (known !== undefined && known.retired_at !== null) return { refused: "retired" };
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
          host: runner.host ?? null,
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

    retireRunner: (runnerId, now) =>
      db.transaction().execute(async (transaction) => {
        const rows = await transaction
          .updateTable("runner")
          .set((column) => ({ retired_at: column.fn.coalesce("retired_at", column.val(now)) }))
          .where("runner_id", "=", runnerId)
          .returningAll()
          .execute();
        await revokeTokensOf(transaction, runnerId, now);
        return read(rows)[0];
      }),

    removeRunner: (runnerId, now, force) =>
      db.transaction().execute(async (transaction) => {
        const users = force ? [] : await usersOf(transaction, runnerId);
        if (users.length > 0) {
          const message = `Cannot remove runner ${runnerId}: it has ${users.join(" and ")}`;
          throw new CodedError(GATEWAY_ERRORS.RunnerInUse, message);
        }
        await revokeTokensOf(transaction, runnerId, now);
        const { numDeletedRows } = await transaction
          .deleteFrom("runner")
          .where("runner_id", "=", runnerId)
          .executeTakeFirst();
        return numDeletedRows > 0n;
      }),

    async findRunner(runnerId) {
      return read(await db.selectFrom("runner").selectAll().where("runner_id", "=", runnerId).execute())[0];
    },

    async listRunners() {
      return read(await db.selectFrom("runner").selectAll().orderBy("runner_id").execute());
    },
  };
}

async function revokeTokensOf(db: Kysely<Database>, runnerId: string, now: number): Promise<void> {
  await db
    .updateTable("runner_token")
    .set({ revoked_at: now })
    .where("runner_id", "=", runnerId)
    .where("revoked_at", "is", null)
    .execute();
}

/** What names a runner, for people. */
async function usersOf(db: Kysely<Database>, runnerId: string): Promise<readonly string[]> {
  const count = (table: "service" | "pipeline" | "run") =>
    db
      .selectFrom(table)
      .select((column) => column.fn.countAll<number>().as("count"))
      .where("runner_id", "=", runnerId);
  const { count: services } = await count("service").executeTakeFirstOrThrow();
  const { count: pipelines } = await count("pipeline").where("deleted_at", "is", null).executeTakeFirstOrThrow();
  const { count: runs } = await count("run").where("state", "in", OPEN_STATES).executeTakeFirstOrThrow();
  const named = Object.entries({ service: services, pipeline: pipelines, "open run": runs });
  return named.flatMap(([what, found]) => (found === 0 ? [] : [counted(found, what)]));
}
