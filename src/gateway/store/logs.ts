import type { Insertable, Kysely, Selectable, Transaction } from "kysely";
import { cutAtCharacter, nextCharacter } from "../../base/utf8.ts";
import { BOUNDS, isWithin } from "../../protocol/bounds.ts";
import { startSha256 } from "../../runtime/crypto.ts";
import type { Write } from "./group-commit.ts";
import { logEndIn } from "./json-columns.ts";
import { gapMarker, leftOutMarker } from "./log-marker.ts";
import { fitting, type RowReading } from "./readable.ts";
import { LOG_STATE_ROW } from "./row-shapes.ts";
import type { LogPiece, Store } from "./store.ts";
import type { Database, LogPieceTable } from "./tables.ts";

/**
 * The part of the store that keeps logs. Offsets count the UTF-8 bytes of the log as the runner has it and stay true
 * across gaps; a piece that is stored never splits a character.
 */
export type LogStore = Pick<Store, "appendLog" | "appendLogs" | "restartLog" | "readLog" | "logDigest">;

/** Rows read at once: pieces are at most one log chunk. */
const PIECES_AT_ONCE = 16;
const ROWS_AT_ONCE = 100;

type Piece = Omit<Selectable<LogPieceTable>, "run_id">;

/** Makes it over an open database; `write` shares commits. */
export function createLogStore(db: Kysely<Database>, write: Write, reading: RowReading): LogStore {
  const append: LogStore["appendLogs"] = (pieces) => write((transaction) => appendLogs(transaction, reading, pieces));
  return {
    appendLog: async (runId, offset, text) => void (await append([{ runId, offset, text }])),

    appendLogs: append,

    restartLog: (runId) =>
      write(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("run")
          .set({ log_bytes: 0, log_held_at: null, log_restarted: 1 })
          .where("run_id", "=", runId)
          .where("log_restarted", "=", 0)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return false;
        await transaction.deleteFrom("log_piece").where("run_id", "=", runId).execute();
        return true;
      }),

    async readLog(runId, offset, limit) {
      const { end, heldAt } = await extentOf(db, runId);
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
            const missing = pieceEnd - next;
            text += piece.offset === heldAt ? leftOutMarker(runId, missing) : gapMarker(missing);
            next = pieceEnd;
            left -= 1;
            continue;
          }
          const from = nextCharacter(piece.data, next - piece.offset);
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
      const { end } = await extentOf(db, runId);
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

async function appendLogs(
  transaction: Transaction<Database>,
  reading: RowReading,
  pieces: readonly LogPiece[],
): Promise<readonly string[]> {
  const ends = await endsOf(transaction, reading, pieces);
  const rows: Insertable<LogPieceTable>[] = [];
  for (const { runId, offset, text, held } of pieces) {
    const end = ends.get(runId);
    if (end === undefined) continue;
    if (held === true && offset >= end.bytes) end.heldAt = end.bytes;
    const data = new TextEncoder().encode(text);
    const rest = nextCharacter(data, Math.max(0, end.bytes - offset));
    if (rest >= data.length) continue;
    const start = offset + rest;
    if (start > end.bytes) {
      rows.push({ run_id: runId, offset: end.bytes, bytes: start - end.bytes, data: null });
    } else if (end.heldAt === start) {
      // It went on without a gap: nothing was left out after all.
      end.heldAt = null;
    }
    rows.push({ run_id: runId, offset: start, bytes: data.length - rest, data: data.subarray(rest) });
    end.bytes = offset + data.length;
  }
  for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
    await transaction
      .insertInto("log_piece")
      .values(rows.slice(first, first + ROWS_AT_ONCE))
      .execute();
  }
  for (const [runId, { bytes, heldAt }] of ends) {
    await transaction
      .updateTable("run")
      .set({ log_bytes: bytes, log_held_at: heldAt })
      .where("run_id", "=", runId)
      .execute();
  }
  return [...ends].flatMap(([runId, end]) => (end.bytes === end.told ? [runId] : []));
}

/** Where the logs of these pieces stand; `told` is the length that the run's end has named. Unknown runs are left out. */
async function endsOf(
  db: Kysely<Database>,
  reading: RowReading,
  pieces: readonly LogPiece[],
): Promise<Map<string, { bytes: number; heldAt: number | null; readonly told: number | undefined }>> {
  const runIds = [...new Set(pieces.map((piece) => piece.runId))];
  const rows = await db
    .selectFrom("run")
    .select(["run_id", "log_bytes", "log_held_at", "log_end_json"])
    .where("run_id", "in", runIds)
    .execute();
  return new Map(
    reading.all("run", rows, (row) => {
      const { log_bytes: bytes, log_held_at: heldAt, log_end_json: end } = fitting(LOG_STATE_ROW, row);
      return [row.run_id, { bytes, heldAt, told: logEndIn("log_end_json", end)?.bytes }];
    }),
  );
}

async function extentOf(
  db: Kysely<Database>,
  runId: string,
): Promise<{ readonly end: number; readonly heldAt: number | null }> {
  const run = await db
    .selectFrom("run")
    .select(["log_bytes", "log_held_at"])
    .where("run_id", "=", runId)
    .executeTakeFirst();
  // What can't be read of a run is no log.
  return { end: isWithin(BOUNDS.logBytes, run?.log_bytes) ? run.log_bytes : 0, heldAt: run?.log_held_at ?? null };
}

/** The piece that holds `offset` and some of those behind it, up to the first that doesn't follow the one before it. */
async function piecesFrom(db: Kysely<Database>, runId: string, offset: number): Promise<readonly Piece[]> {
  const rows = await db
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
  let end: number | undefined;
  const follows = (piece: Piece): boolean => {
    const begins = end === undefined ? piece.offset <= offset : piece.offset === end;
    end = piece.offset + piece.bytes;
    return begins && end > offset && (piece.data === null || piece.data.length === piece.bytes);
  };
  const broken = rows.findIndex((row) => !isPlace(row.offset) || !isPlace(row.bytes) || !follows(row));
  return broken === -1 ? rows : rows.slice(0, broken);
}

function isPlace(value: number): boolean {
  return isWithin(BOUNDS.logBytes, value);
}
