import type { Kysely, Selectable } from "kysely";
import type { RowReading } from "./readable.ts";
import { tokenRecord, tokenRow } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database, RunnerTokenTable } from "./tables.ts";

/** The part of the store that keeps the hashes of runner tokens. */
export type TokenStore = Pick<Store, "addToken" | "findToken" | "listTokens" | "revokeToken">;

/** Makes it over an open database. */
export function createTokenStore(db: Kysely<Database>, reading: RowReading): TokenStore {
  const read = (rows: readonly Selectable<RunnerTokenTable>[]) => reading.all("token", rows, tokenRecord);
  return {
    async addToken(token) {
      await db.insertInto("runner_token").values(tokenRow(token)).execute();
    },

    async findToken(tokenId) {
      return read(await db.selectFrom("runner_token").selectAll().where("token_id", "=", tokenId).execute())[0];
    },

    async listTokens() {
      return read(await db.selectFrom("runner_token").selectAll().orderBy("created_at").orderBy("token_id").execute());
    },

    async revokeToken(tokenId, now) {
      // The first revocation's time stands.
      const { numUpdatedRows } = await db
        .updateTable("runner_token")
        .set((column) => ({ revoked_at: column.fn.coalesce("revoked_at", column.val(now)) }))
        .where("token_id", "=", tokenId)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },
  };
}
