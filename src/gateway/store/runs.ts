import { type Kysely, type Selectable, sql, type Transaction } from "kysely";
import type { Log } from "../../base/log.ts";
import type { RunReport } from "../../protocol/messages.ts";
import { isTerminal, OPEN_STATES, TERMINAL_STATES } from "../../protocol/run-state.ts";
import type { Write } from "./group-commit.ts";
import { gapsIn, toJson } from "./json-columns.ts";
import { keptFailure, storedBytes } from "./kept-failure.ts";
import type { LogUsage } from "./log-usage.ts";
import { type KnownTimes, plausible } from "./plausible.ts";
import { fitting, fullPage, type RowReading } from "./readable.ts";
import { ACCEPTED, addReported, knownTimes, newsIn } from "./reported-runs.ts";
import { RUN_ROW } from "./row-shapes.ts";
import { runRecord, runRow } from "./rows.ts";
import type { RunRecord, Store } from "./store.ts";
import type { Database, RunTable } from "./tables.ts";

/** The part of the store that keeps runs. */
export type RunStore = Pick<
  Store,
  | "addRun"
  | "findRun"
  | "findRuns"
  | "listRuns"
  | "openRuns"
  | "unfinishedLogs"
  | "offerRun"
  | "setDispatch"
  | "requestStop"
  | "takeReport"
>;

/** Of each terminal state; who has been away for more than so many runs is told fewer cursors, and its logs begin anew. */
const NEWEST_ENDED = 500;

/** What the runs are kept with. */
export interface RunStoreParts {
  /** Shares commits. */
  readonly write: Write;
  readonly reading: RowReading;
  readonly usage: LogUsage;
  readonly log: Log;
}

/** Makes it over an open database. */
export function createRunStore(db: Kysely<Database>, { write, reading, usage, log }: RunStoreParts): RunStore {
  const told = new Set<string>();
  const tellOnce = (runnerId: string, text: string): void => {
    if (told.has(runnerId + text)) return;
    told.add(runnerId + text);
    log.warn(text, { runnerId });
  };
  const withinCeilings = async (
    transaction: Transaction<Database>,
    runnerId: string,
    report: RunReport,
  ): Promise<RunReport> => {
    if (report.failure === undefined) return report;
    await usage.count(transaction);
    const room = usage.ceilingFor({ runnerId, stored: 0 }, storedBytes(report.failure), 0) === undefined;
    if (!room) tellOnce(runnerId, NO_ROOM);
    return { ...report, failure: keptFailure(report.failure, room) };
  };
  const read = (rows: readonly RowWithGaps[]) =>
    reading.all("run", rows, ({ gaps, ...row }) => runRecord(row, gapsIn("gaps", gaps)));
  const findRun = async (within: Kysely<Database>, runId: string): Promise<RunRecord | undefined> =>
    read(await selectRuns(within).where("run_id", "=", runId).execute())[0];
  const update = async (
    transaction: Transaction<Database>,
    runId: string,
    columns: Partial<Pick<Selectable<RunTable>, "dispatch" | "stop_requested" | "refusal_json">>,
  ): Promise<RunRecord | undefined> => {
    await transaction.updateTable("run").set(columns).where("run_id", "=", runId).execute();
    return findRun(transaction, runId);
  };

  return {
    addRun: (run) =>
      write(async (transaction) => void (await transaction.insertInto("run").values(runRow(run)).execute())),

    findRun: (runId) => findRun(db, runId),

    findRuns: async (runIds) => read(await selectRuns(db).where("run_id", "in", runIds).execute()),

    async listRuns(query) {
      let select = selectRuns(db).orderBy("number", "desc").limit(query.limit);
      const { runnerId, pipelineId, states, beforeRunId } = query;
      if (runnerId !== undefined) select = select.where("runner_id", "=", runnerId);
      if (pipelineId !== undefined) select = select.where("pipeline_id", "=", pipelineId);
      if (states !== undefined) select = select.where("state", "in", states);
      if (beforeRunId !== undefined) {
        select = select.where("number", "<", (cursor) =>
          cursor.selectFrom("run as cursor").select("cursor.number").where("cursor.run_id", "=", beforeRunId),
        );
      }
      const rowsFrom = (last: RowWithGaps | undefined) =>
        (last === undefined ? select : select.where("number", "<", last.number)).execute();
      return fullPage(query.limit, rowsFrom, read);
    },

    async openRuns(runnerId) {
      const open = selectRuns(db).where("runner_id", "=", runnerId).where("state", "in", OPEN_STATES);
      return read(await open.orderBy("number").execute());
    },

    async unfinishedLogs(runnerId) {
      const found = await Promise.all(
        [...TERMINAL_STATES].map((state) =>
          db
            .selectFrom((from) =>
              from
                .selectFrom("run")
                .select(["run_id", "log_bytes", "log_end_json"])
                .where("runner_id", "=", runnerId)
                .where("state", "=", state)
                .orderBy("number", "desc")
                .limit(NEWEST_ENDED)
                .as("newest"),
            )
            .select(["run_id as runId", "log_bytes as bytes"])
            .where(sql<boolean>`json_valid(log_end_json) and json_extract(log_end_json, '$.bytes') > log_bytes`)
            .execute(),
        ),
      );
      return found.flat();
    },

    offerRun: (runId, now) =>
      write(async (transaction) => {
        const { numUpdatedRows } = await transaction
          .updateTable("run")
          .set({ dispatch: "offered" })
          .where("run_id", "=", runId)
          .where("dispatch", "=", "waiting")
          .where("state", "in", OPEN_STATES)
          .where("stop_requested", "=", 0)
          .where("start_deadline", ">=", now)
          .executeTakeFirst();
        return numUpdatedRows === 0n ? undefined : findRun(transaction, runId);
      }),

    setDispatch: (runId, dispatch, refusal) => {
      const told = refusal === undefined ? {} : { refusal_json: toJson(refusal) };
      const columns = dispatch === "accepted" ? ACCEPTED : { dispatch, ...told };
      return write((transaction) => update(transaction, runId, columns));
    },

    requestStop: (runId) =>
      write(async (transaction) => {
        const run = await findRun(transaction, runId);
        // Nobody can stop what has ended, and a later reader would take it for stopped.
        return run === undefined || isTerminal(run.state) ? run : update(transaction, runId, { stop_requested: 1 });
      }),

    async takeReport(runnerId, told, now) {
      const taken = await write(async (transaction) => {
        const bounded = await withinCeilings(transaction, runnerId, told);
        const believed = (times: KnownTimes): RunReport => {
          const { report, isOff } = plausible(bounded, times, now);
          if (isOff) tellOnce(runnerId, CLOCK_IS_OFF);
          return report;
        };
        const rows = await transaction.selectFrom("run").selectAll().where("run_id", "=", told.runId).execute();
        if (rows.length === 0) {
          const tooMany = (): void => tellOnce(runnerId, TOO_MANY_OPEN);
          return addReported(transaction, runnerId, bounded, { now, tooMany, believed });
        }
        const [known] = reading.all("run", rows, (row) => fitting(RUN_ROW, row));
        // Who reports on one that can't be read shall not wait for ever to be heard.
        if (known === undefined) return undefined;
        // A runner speaks only for its own runs.
        if (known.runner_id !== runnerId || known.pipeline_id !== told.pipelineId) return undefined;
        const report = believed(await knownTimes(transaction, known, told.attempt));
        const news = newsIn(report, known, now);
        if (news !== undefined) {
          await transaction.updateTable("run").set(news).where("run_id", "=", report.runId).execute();
        }
        const run = await findRun(transaction, report.runId);
        return run === undefined ? undefined : { run, changed: news !== undefined };
      });
      if (taken?.changed === true && told.failure !== undefined) usage.add(runnerId, storedBytes(taken.run.failure));
      return taken;
    },
  };
}

const TOO_MANY_OPEN = "A runner reports more runs that nobody ordered than can be under way: the rest is left out";
const CLOCK_IS_OFF =
  "A runner tells times that can't be, so its clock is wrong: they are stored as the nearest ones that can";
const NO_ROOM = "A ceiling of stored logs is met: failures of this runner are kept without their logs and events";

type RowWithGaps = Selectable<RunTable> & { readonly gaps: string | null };

/** Runs with the gaps of their logs, which lie in another table. */
function selectRuns(db: Kysely<Database>) {
  return db
    .selectFrom("run")
    .selectAll("run")
    .select((run) =>
      run
        .selectFrom("log_piece")
        .select(sql<string>`json_group_array(json_array("offset", "bytes"))`.as("gaps"))
        .whereRef("log_piece.run_id", "=", "run.run_id")
        .where("data", "is", null)
        .as("gaps"),
    );
}
