import type { Kysely, Selectable } from "kysely";
import { CodedError } from "../../base/errors.ts";
import { Sensitive } from "../../base/sensitive.ts";
import { BOUNDS } from "../../protocol/bounds.ts";
import { open, seal } from "../../runtime/crypto.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { fitting, fullPage, type RowReading } from "./readable.ts";
import { WANTED_ROW } from "./row-shapes.ts";
import { pipelineChangesRow, pipelineRecord, pipelineRow } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database, PipelineTable } from "./tables.ts";

/** The part of the store that keeps what is wanted on the runners. */
export type PipelineStore = Pick<
  Store,
  "addPipeline" | "findPipeline" | "pipelineIds" | "botToken" | "listPipelines" | "changePipeline" | "wanted"
>;

/** Everything but the sealed token, which only `botToken` reads. */
const RECORD_COLUMNS = [
  "pipeline_id",
  "service_id",
  "runner_id",
  "name",
  "fully_qualified_name",
  "pipeline_type",
  "source_config_json",
  "sink_json",
  "schedule_json",
  "timeout_seconds",
  "retries",
  "retry_delay_seconds",
  "enabled",
  "deployed",
  "generation",
  "hash",
  "deleted_at",
  "created_at",
  "updated_at",
] as const satisfies readonly (keyof PipelineTable)[];

type Row = Pick<Selectable<PipelineTable>, (typeof RECORD_COLUMNS)[number]>;

/** Makes it over an open database; `key` seals the bot tokens. */
export function createPipelineStore(
  db: Kysely<Database>,
  key: Sensitive<Uint8Array>,
  reading: RowReading,
): PipelineStore {
  const read = (rows: readonly Row[]) => reading.all("pipeline", rows, pipelineRecord);
  const sealed = (pipelineId: string, token: Sensitive | null | undefined): Uint8Array | null =>
    token === undefined || token === null ? null : seal(key.reveal(), tokenContext(pipelineId), token.reveal());
  return {
    addPipeline: (pipeline, botToken) =>
      db.transaction().execute(async (transaction) => {
        const taken = await transaction
          .selectFrom("pipeline")
          .select("pipeline_id")
          .where((field) =>
            field.or([
              field("pipeline_id", "=", pipeline.pipelineId),
              field.and([
                field("fully_qualified_name", "=", pipeline.fullyQualifiedName),
                field("deleted_at", "is", null),
              ]),
            ]),
          )
          .executeTakeFirst();
        if (taken !== undefined) {
          throw new CodedError(
            GATEWAY_ERRORS.NameTaken,
            `Cannot add pipeline ${JSON.stringify(pipeline.fullyQualifiedName)}: there is one of that name or id`,
            { facts: { pipelineId: taken.pipeline_id } },
          );
        }
        await transaction
          .insertInto("pipeline")
          .values({ ...pipelineRow(pipeline), bot_token: sealed(pipeline.pipelineId, botToken) })
          .execute();
      }),

    async findPipeline(pipelineId) {
      return read(
        await db.selectFrom("pipeline").select(RECORD_COLUMNS).where("pipeline_id", "=", pipelineId).execute(),
      )[0];
    },

    async pipelineIds(runnerId) {
      const rows = await db.selectFrom("pipeline").select("pipeline_id").where("runner_id", "=", runnerId).execute();
      return rows.map((row) => row.pipeline_id);
    },

    async botToken(pipelineId) {
      const row = await db
        .selectFrom("pipeline")
        .select("bot_token")
        .where("pipeline_id", "=", pipelineId)
        .executeTakeFirst();
      if (row === undefined || row.bot_token === null) return undefined;
      const token = open(key.reveal(), tokenContext(pipelineId), row.bot_token);
      if (token === undefined) {
        throw new CodedError(
          GATEWAY_ERRORS.WrongStoreKey,
          `Cannot read the bot token of pipeline ${pipelineId}: it was sealed under another key or changed since`,
        );
      }
      return new Sensitive(token);
    },

    async listPipelines(query) {
      let select = db.selectFrom("pipeline").select(RECORD_COLUMNS).orderBy("fully_qualified_name");
      const { runnerId, serviceId, fullyQualifiedName, limit, afterName } = query;
      if (runnerId !== undefined) select = select.where("runner_id", "=", runnerId);
      if (serviceId !== undefined) select = select.where("service_id", "=", serviceId);
      if (fullyQualifiedName !== undefined) select = select.where("fully_qualified_name", "=", fullyQualifiedName);
      if (limit !== undefined) select = select.limit(limit);
      if (query.includeDeleted !== true) select = select.where("deleted_at", "is", null);
      const rowsFrom = (last: Row | undefined) => {
        const after = last?.fully_qualified_name ?? afterName;
        return (after === undefined ? select : select.where("fully_qualified_name", ">", after)).execute();
      };
      return fullPage(limit, rowsFrom, read);
    },

    async changePipeline(pipelineId, generation, changes, next = generation + 1) {
      const most = BOUNDS.generation.most;
      if (next > most && changes.deletedAt === undefined) {
        const message = `Cannot change pipeline ${pipelineId}: generation ${generation} was its last`;
        throw new CodedError(GATEWAY_ERRORS.GenerationsUsedUp, message);
      }
      const token = changes.botToken === undefined ? {} : { bot_token: sealed(pipelineId, changes.botToken) };
      const rows = await db
        .updateTable("pipeline")
        // A tombstone of the last generation still buries it.
        .set({ ...pipelineChangesRow(changes), ...token, generation: Math.min(next, most) })
        .where("pipeline_id", "=", pipelineId)
        .where("generation", "=", generation)
        .returning(RECORD_COLUMNS)
        .execute();
      return read(rows)[0];
    },

    async wanted(runnerId) {
      const all = await db
        .selectFrom("pipeline")
        .select(["pipeline_id", "generation", "hash", "deleted_at", "deployed"])
        .where("runner_id", "=", runnerId)
        .orderBy("pipeline_id")
        .execute();
      const rows = reading.all("pipeline", all, (row) => fitting(WANTED_ROW, row));
      const alive = rows.filter((row) => row.deleted_at === null && row.deployed === 1);
      const deleted = rows.filter((row) => row.deleted_at !== null);
      return {
        pipelines: alive.map((row) => ({ pipelineId: row.pipeline_id, generation: row.generation, hash: row.hash })),
        tombstones: deleted.map((row) => ({ pipelineId: row.pipeline_id, generation: row.generation })),
      };
    },
  };
}

/** A sealed token copied to another pipeline's row can't be opened there. */
function tokenContext(pipelineId: string): string {
  return `pipeline bot token ${pipelineId}`;
}
