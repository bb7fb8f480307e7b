import type { Kysely } from "kysely";
import { startSha256 } from "../../runtime/crypto.ts";
import type { Store } from "./store.ts";
import type { Database } from "./tables.ts";
import { cutAtCharacter, startOfCharacter } from "./utf8.ts";

/**
 * The part of the store that keeps logs. Offsets count the UTF-8 bytes of the log as the runner has it and stay true
 * across gaps; a piece that is stored never splits a character.
 */
export type LogStore = Pick<Store, "appendLog" | "readLog" | "logDigest">;

/** Rows read at once: pieces are at most one log chunk. */
const PIECES_AT_ONCE = 16;

/** Makes it over an open database. */
export function createLogStore(db: Kysely<Database>): LogStore {
  return {
    appendLog: (runId, offset, text) =>
      db.transaction().execute(async (transaction) => {
        const run = await transaction
          .selectFrom("run")
          .select("log_bytes")
          .where("run_id", "=", runId)
          .executeTakeFirst();
        if (run === undefined) return;
        const data = new TextEncoder().encode(text);
        const rest = startOfCharacter(data, Math.max(0, run.log_bytes - offset));
        if (rest >= data.length) return;
        const start = offset + rest;
        if (start > run.log_bytes) {
          await transaction
            .insertInto("log_piece")
            .values({ run_id: runId, offset: run.log_bytes, bytes: start - run.log_bytes, data: null })
            .execute();
        }
        await transaction
          .insertInto("log_piece")
          .values({ run_id: runId, offset: start, bytes: data.length - rest, data: data.subarray(rest) })
          .execute();
        await transaction
          .updateTable("run")
          .set({ log_bytes: offset + data.length })
          .where("run_id", "=", runId)
          .execute();
      }),

    async readLog(runId, offset, limit) {
      const end = await endOfLog(db, runId);
      const decoder = new TextDecoder();
      let text = "";
      let next = Math.min(offset, end);
      let left = Math.max(1, limit);
      while (next < end && left > 0) {
        const pieces = await piecesFrom(db, runId, next);
        if (pieces.length === 0) break;
        for (const piece of pieces) {
          if (left <= 0) break;
          const pieceEnd = piece.offset + piece.bytes;
          if (piece.data === null) {
            text += gapMarker(pieceEnd - next);
            next = pieceEnd;
            left -= 1;
            continue;
          }
          const from = startOfCharacter(piece.data, next - piece.offset);
          const to = cutAtCharacter(piece.data, from, left);
          text += decoder.decode(piece.data.subarray(from, to));
          next = piece.offset + to;
          left -= to - from;
          if (to < piece.data.length) return { text, nextOffset: next };
        }
      }
      return { text, nextOffset: next };
    },

    async logDigest(runId) {
      const hash = startSha256();
      const end = await endOfLog(db, runId);
      let bytes = 0;
      for (let next = 0; next < end; ) {
        const pieces = await piecesFrom(db, runId, next);
        if (pieces.length === 0) break;
        for (const piece of pieces) {
          next = piece.offset + piece.bytes;
          if (piece.data === null) continue;
          hash.update(piece.data);
          bytes += piece.bytes;
        }
      }
      return { bytes, sha256: hash.hex() };
    },
  };
}

/** The line that stands for what is missing. */
function gapMarker(bytes: number): string {
  return `\n[gap: ${bytes} bytes of log are missing here]\n`;
}

async function endOfLog(db: Kysely<Database>, runId: string): Promise<number> {
  const run = await db.selectFrom("run").select("log_bytes").where("run_id", "=", runId).executeTakeFirst();
  return run?.log_bytes ?? 0;
}

/** The piece that holds `offset` and some of those behind it. */
function piecesFrom(db: Kysely<Database>, runId: string, offset: number) {
  return db
    .selectFrom("log_piece")
    .select(["offset", "bytes", "data"])
    .where("run_id", "=", runId)
    .where("offset", ">=", (holder) =>
      holder
        .selectFrom("log_piece as holder")
        .select((column) => column.fn.max("holder.offset").as("offset"))
        .where("holder.run_id", "=", runId)
        .where("holder.offset", "<=", offset),
    )
    .orderBy("offset")
    .limit(PIECES_AT_ONCE)
    .execute();
}
