import type { Insertable, Kysely, Transaction } from "kysely";
import { nextCharacter } from "../../base/utf8.ts";
import { logEndIn } from "./json-columns.ts";
import type { LogCeiling } from "./kept.ts";
import type { LogUsage } from "./log-usage.ts";
import { fitting, type RowReading } from "./readable.ts";
import { LOG_STATE_ROW } from "./row-shapes.ts";
import type { LogPiece } from "./store.ts";
import type { Database, LogPieceTable } from "./tables.ts";

/** No log that a program writes between two pieces is as long as that. */
const MOST_MISSING = 1_000_000_000_000;
const ROWS_AT_ONCE = 100;

/** Where a log stands; `told` is the length that the run's end has named. */
interface LogState {
  readonly runId: string;
  readonly runnerId: string;
  readonly told: number | undefined;
  /** Where the log goes on, and how many bytes of it are stored. */
  bytes: number;
  stored: number;
  heldAt: number | null;
  cappedAt: number | null;
  cappedBy: string | null;
}

/** What appending has done. */
export interface Appended {
  /** Runs whose logs now have their told length. */
  readonly whole: readonly string[];
  /** Bytes stored, by runner. */
  readonly stored: ReadonlyMap<string, number>;
  /** Logs that have met a ceiling just now. */
  readonly capped: readonly { readonly runId: string; readonly runnerId: string; readonly by: LogCeiling }[];
  /** Runs of which a piece was left out because its offset can't be believed. */
  readonly beyondBelief: readonly string[];
}

/** Appends pieces in their order, within one transaction; unknown runs are left out. */
export async function appendLogs(
  transaction: Transaction<Database>,
  reading: RowReading,
  usage: LogUsage,
  pieces: readonly LogPiece[],
): Promise<Appended> {
  const states = await statesOf(transaction, reading, pieces);
  const rows: Insertable<LogPieceTable>[] = [];
  const stored = new Map<string, number>();
  const capped: Appended["capped"][number][] = [];
  const beyondBelief = new Set<string>();
  for (const { runId, offset, text, held } of pieces) {
    const log = states.get(runId);
    if (log === undefined) continue;
    if (held === true && offset >= log.bytes) log.heldAt = log.bytes;
    const data = new TextEncoder().encode(text);
    const rest = nextCharacter(data, Math.max(0, log.bytes - offset));
    const fresh = data.length - rest;
    if (fresh <= 0) continue;
    const start = offset + rest;
    if (start - log.bytes > MOST_MISSING) {
      beyondBelief.add(runId);
      continue;
    }
    const { runnerId } = log;
    const by = log.cappedAt === null ? usage.ceilingFor(log, fresh, stored.get(runnerId) ?? 0) : undefined;
    if (by !== undefined) {
      [log.cappedAt, log.cappedBy] = [log.bytes, by];
      capped.push({ runId, runnerId, by });
    }
    if (log.cappedAt === null) {
      if (start > log.bytes) {
        rows.push({ run_id: runId, offset: log.bytes, bytes: start - log.bytes, data: null });
      } else if (log.heldAt === start) {
        // It went on without a gap: nothing was left out after all.
        log.heldAt = null;
      }
      rows.push({ run_id: runId, offset: start, bytes: fresh, data: data.subarray(rest) });
      log.stored += fresh;
      stored.set(runnerId, (stored.get(runnerId) ?? 0) + fresh);
    }
    log.bytes = offset + data.length;
  }
  for (let first = 0; first < rows.length; first += ROWS_AT_ONCE) {
    await transaction
      .insertInto("log_piece")
      .values(rows.slice(first, first + ROWS_AT_ONCE))
      .execute();
  }
  for (const log of states.values()) await writeState(transaction, log);
  const whole = [...states.values()].filter((log) => log.bytes === log.told).map((log) => log.runId);
  return { whole, stored, capped, beyondBelief: [...beyondBelief] };
}

/** What a ceiling keeps out is one gap, which grows. */
async function writeState(transaction: Transaction<Database>, log: LogState): Promise<void> {
  const { runId, bytes, stored, heldAt, cappedAt, cappedBy } = log;
  if (cappedAt !== null && bytes > cappedAt) {
    await transaction
      .insertInto("log_piece")
      .values({ run_id: runId, offset: cappedAt, bytes: bytes - cappedAt, data: null })
      .onConflict((there) => there.columns(["run_id", "offset"]).doUpdateSet({ bytes: bytes - cappedAt }))
      .execute();
  }
  await transaction
    .updateTable("run")
    .set({
      log_bytes: bytes,
      log_stored: stored,
      log_held_at: heldAt,
      log_capped_at: cappedAt,
      log_capped_by: cappedBy,
    })
    .where("run_id", "=", runId)
    .execute();
}

async function statesOf(
  db: Kysely<Database>,
  reading: RowReading,
  pieces: readonly LogPiece[],
): Promise<ReadonlyMap<string, LogState>> {
  const runIds = [...new Set(pieces.map((piece) => piece.runId))];
  const rows = await db
    .selectFrom("run")
    .select([
      "run_id",
      "runner_id",
      "log_bytes",
      "log_stored",
      "log_held_at",
      "log_capped_at",
      "log_capped_by",
      "log_end_json",
    ])
    .where("run_id", "in", runIds)
    .execute();
  return new Map(
    reading.all("run", rows, (row) => {
      fitting(LOG_STATE_ROW, row);
      const state: LogState = {
        runId: row.run_id,
        runnerId: row.runner_id,
        told: logEndIn("log_end_json", row.log_end_json)?.bytes,
        bytes: row.log_bytes,
        stored: row.log_stored,
        heldAt: row.log_held_at,
        cappedAt: row.log_capped_at,
        cappedBy: row.log_capped_by,
      };
      return [row.run_id, state];
    }),
  );
}
