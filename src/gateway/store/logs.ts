import type { Kysely, Selectable } from "kysely";
import type { Log } from "../../base/log.ts";
import { cutAtCharacter, nextCharacter } from "../../base/utf8.ts";
import { BOUNDS, isWithin } from "../../protocol/bounds.ts";
import { startSha256 } from "../../runtime/crypto.ts";
import { type Appended, appendLogs } from "./append-logs.ts";
import type { Write } from "./group-commit.ts";
import { cappedMarker, gapMarker, leftOutMarker } from "./log-marker.ts";
import type { LogUsage } from "./log-usage.ts";
import type { RowReading } from "./readable.ts";
import { NO_LOG } from "./rows.ts";
import type { Store } from "./store.ts";
import type { Database, LogPieceTable } from "./tables.ts";

/**
 * The part of the store that keeps logs. Offsets count the UTF-8 bytes of the log as the runner has it and stay true
 * across gaps; a piece that is stored never splits a character.
 */
export type LogStore = Pick<Store, "appendLog" | "appendLogs" | "restartLog" | "readLog" | "logDigest">;

/** Rows read at once: pieces are at most one log chunk. */
const PIECES_AT_ONCE = 16;

type Piece = Omit<Selectable<LogPieceTable>, "run_id">;

/** What the logs are kept with. */
export interface LogStoreParts {
  /** Shares commits. */
  readonly write: Write;
  readonly reading: RowReading;
  readonly usage: LogUsage;
  readonly log: Log;
}

/** Makes it over an open database. */
export function createLogStore(db: Kysely<Database>, { write, reading, usage, log }: LogStoreParts): LogStore {
  const tell = createTelling(log);
  const append: LogStore["appendLogs"] = async (pieces) => {
    await usage.count();
    const appended = await write((transaction) => appendLogs(transaction, reading, usage, pieces));
    for (const [runnerId, bytes] of appended.stored) usage.add(runnerId, bytes);
    tell(appended);
    return appended.whole;
  };
  return {
    appendLog: async (runId, offset, text) => void (await append([{ runId, offset, text }])),

    appendLogs: append,

    async restartLog(runId) {
      const isFirst = await write(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("run")
          .set({ ...NO_LOG, log_restarted: 1 })
          .where("run_id", "=", runId)
          .where("log_restarted", "=", 0)
          .executeTakeFirst();
        if (numUpdatedRows === 0n) return false;
        await transaction.deleteFrom("log_piece").where("run_id", "=", runId).execute();
        return true;
      });
      if (isFirst) usage.forget();
      return isFirst;
    },

    async readLog(runId, offset, limit) {
      const { end, heldAt, capped } = await extentOf(db, runId);
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
            if (piece.offset === capped?.at) text += cappedMarker(runId, missing, capped.by);
            else text += piece.offset === heldAt ? leftOutMarker(runId, missing) : gapMarker(missing);
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

interface Extent {
  readonly end: number;
  readonly heldAt: number | null;
  readonly capped?: { readonly at: number; readonly by: string };
}

async function extentOf(db: Kysely<Database>, runId: string): Promise<Extent> {
  const run = await db
    .selectFrom("run")
    .select(["log_bytes", "log_held_at", "log_capped_at", "log_capped_by"])
    .where("run_id", "=", runId)
    .executeTakeFirst();
  // What can't be read of a run is no log.
  if (run === undefined || !isWithin(BOUNDS.logBytes, run.log_bytes)) return { end: 0, heldAt: null };
  const { log_bytes: end, log_held_at: heldAt, log_capped_at: at, log_capped_by: by } = run;
  return at === null ? { end, heldAt } : { end, heldAt, capped: { at, by: String(by) } };
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

/** Tells of a runner or of the store once that its ceiling is met, until there is room again; of a run once in any case. */
function createTelling(log: Log): (appended: Appended) => void {
  const full = new Set<string>();
  return ({ stored, capped, beyondBelief }) => {
    for (const runnerId of stored.keys()) for (const by of ["runner", "store"]) full.delete(`${by} ${runnerId}`);
    for (const { runId, runnerId, by } of capped) {
      const key = `${by} ${runnerId}`;
      if (by !== "run" && full.has(key)) continue;
      if (by !== "run") full.add(key);
      log.warn("A ceiling of stored logs is met: what comes now is left out, the runs go on", { by, runId, runnerId });
    }
    for (const runId of beyondBelief) log.warn("A piece of log is left out: its offset is beyond belief", { runId });
  };
}
