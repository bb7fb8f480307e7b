import type { Kysely, Selectable, Transaction } from "kysely";
import type { RunReport } from "../../protocol/messages.ts";
import { RUN_STATES, type RunState, supersedes, TERMINAL_STATES } from "../../protocol/run-state.ts";
import { runRecord, runRow, toJson } from "./rows.ts";
import type { RunRecord, Store } from "./store.ts";
import type { Database, RunTable } from "./tables.ts";

/** The part of the store that keeps runs. */
export type RunStore = Pick<
  Store,
  "addRun" | "findRun" | "listRuns" | "openRuns" | "setDispatch" | "requestStop" | "takeReport"
>;

const OPEN_STATES = RUN_STATES.filter((state) => !TERMINAL_STATES.has(state));

/** Makes it over an open database. */
export function createRunStore(db: Kysely<Database>): RunStore {
  return {
    async addRun(run) {
      await db.insertInto("run").values(runRow(run)).execute();
    },

    async findRun(runId) {
      return (await readRuns(db, db.selectFrom("run").selectAll().where("run_id", "=", runId)))[0];
    },

    async listRuns(query) {
      let select = db.selectFrom("run").selectAll().orderBy("number", "desc").limit(query.limit);
      const { runnerId, pipelineId, states, beforeRunId } = query;
      if (runnerId !== undefined) select = select.where("runner_id", "=", runnerId);
      if (pipelineId !== undefined) select = select.where("pipeline_id", "=", pipelineId);
      if (states !== undefined) select = select.where("state", "in", states);
      if (beforeRunId !== undefined) {
        select = select.where("number", "<", (cursor) =>
          cursor.selectFrom("run as cursor").select("cursor.number").where("cursor.run_id", "=", beforeRunId),
        );
      }
      return readRuns(db, select);
    },

    openRuns: (runnerId) =>
      readRuns(
        db,
        db
          .selectFrom("run")
          .selectAll()
          .where("runner_id", "=", runnerId)
          .where("state", "in", OPEN_STATES)
          .orderBy("number"),
      ),

    async setDispatch(runId, dispatch) {
      await db.updateTable("run").set({ dispatch }).where("run_id", "=", runId).execute();
    },

    async requestStop(runId) {
      const changed = db.updateTable("run").set({ stop_requested: 1 }).where("run_id", "=", runId).returningAll();
      return (await readRuns(db, changed))[0];
    },

    takeReport: (runnerId, report, now) =>
      db.transaction().execute(async (transaction) => {
        const known = await transaction
          .selectFrom("run")
          .selectAll()
          .where("run_id", "=", report.runId)
          .executeTakeFirst();
        if (known === undefined) return addReported(transaction, runnerId, report, now);
        // A runner speaks only for its own runs.
        if (known.runner_id !== runnerId || known.pipeline_id !== report.pipelineId) return undefined;
        const news = newsIn(report, known);
        if (news !== undefined) {
          await transaction.updateTable("run").set(news).where("run_id", "=", report.runId).execute();
        }
        const [run] = await readRuns(
          transaction,
          transaction.selectFrom("run").selectAll().where("run_id", "=", report.runId),
        );
        return run === undefined ? undefined : { run, changed: news !== undefined };
      }),
  };
}

/** What a report says, as columns. */
function reportColumns(report: RunReport) {
  return {
    attempt: report.attempt,
    state: report.state,
    waiting: report.waiting ?? null,
    started_at: report.startedAt ?? null,
    ended_at: report.endedAt ?? null,
    exit_code: report.exitCode ?? null,
    proof: report.proof ?? null,
    failure_json: toJson(report.failure),
    log_end_json: toJson(report.log),
  } satisfies Partial<Selectable<RunTable>>;
}

/**
 * The columns a report changes, or undefined when it says nothing new. A step forward brings its facts along and keeps
 * those that it leaves out; a repeated state may still fill in what was missing (the log's end is known later than the state).
 */
function newsIn(report: RunReport, known: Selectable<RunTable>): Partial<Selectable<RunTable>> | undefined {
  const told = reportColumns(report);
  const moment = { attempt: known.attempt, state: known.state as RunState };
  if (supersedes(report, moment)) {
    // A new attempt starts from nothing; within one, the start that was told stands.
    const base = report.attempt === known.attempt ? { ...told, started_at: told.started_at ?? known.started_at } : told;
    return TERMINAL_STATES.has(report.state) ? base : { ...base, dispatch: "accepted" };
  }
  if (report.attempt !== known.attempt || report.state !== known.state) return undefined;
  const waiting = told.waiting === known.waiting || report.state !== "queued" ? {} : { waiting: told.waiting };
  const missing = Object.entries(told).filter(
    ([column, value]) => value !== null && known[column as keyof typeof told] === null,
  );
  const news = { ...Object.fromEntries(missing), ...waiting };
  return Object.keys(news).length === 0 ? undefined : news;
}

/** A schedule on the runner's side started it: the run gets a row if it is of a pipeline of this runner. */
async function addReported(
  transaction: Transaction<Database>,
  runnerId: string,
  report: RunReport,
  now: number,
): Promise<{ readonly run: RunRecord; readonly changed: boolean } | undefined> {
  const pipeline = await transaction
    .selectFrom("pipeline")
    .select("pipeline_id")
    .where("pipeline_id", "=", report.pipelineId)
    .where("runner_id", "=", runnerId)
    .executeTakeFirst();
  if (pipeline === undefined) return undefined;
  const row = await transaction
    .insertInto("run")
    .values({
      ...reportColumns(report),
      run_id: report.runId,
      pipeline_id: report.pipelineId,
      runner_id: runnerId,
      dispatch: "accepted",
      stop_requested: 0,
      source_config_override_json: null,
      app_config_override_json: null,
      created_at: report.startedAt ?? now,
      start_deadline: report.startedAt ?? now,
      log_bytes: 0,
      log_held_at: null,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { run: runRecord(row, []), changed: true };
}

/** Rows of a query over runs as records, with the gaps of their logs. */
async function readRuns(
  db: Kysely<Database>,
  query: { execute(): Promise<readonly Selectable<RunTable>[]> },
): Promise<readonly RunRecord[]> {
  const rows = await query.execute();
  if (rows.length === 0) return [];
  const gaps = await db
    .selectFrom("log_piece")
    .select(["run_id", "offset", "bytes"])
    .where("data", "is", null)
    .where(
      "run_id",
      "in",
      rows.map((row) => row.run_id),
    )
    .orderBy("offset")
    .execute();
  const byRun = Map.groupBy(gaps, (gap) => gap.run_id);
  return rows.map((row) =>
    runRecord(
      row,
      (byRun.get(row.run_id) ?? []).map((gap) => [gap.offset, gap.bytes] as const),
    ),
  );
}
