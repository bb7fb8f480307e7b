import type { Selectable, Transaction } from "kysely";
import { BOUNDS, isWithin } from "../../protocol/bounds.ts";
import type { RunReport } from "../../protocol/messages.ts";
import { type RunState, supersedes, TERMINAL_STATES } from "../../protocol/run-state.ts";
import { toJson } from "./json-columns.ts";
import { hasTooManyOpen } from "./open-runs.ts";
import type { KnownTimes } from "./plausible.ts";
import { NO_LOG, runRecord } from "./rows.ts";
import type { TakenReport } from "./store.ts";
import type { Database, RunTable } from "./tables.ts";

/** What a run was refused for is over. */
export const ACCEPTED = { dispatch: "accepted", refusal_json: null } as const;

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
export function newsIn(
  report: RunReport,
  known: Selectable<RunTable>,
  now: number,
): Partial<Selectable<RunTable>> | undefined {
  const told = reportColumns(report);
  const moment = { attempt: known.attempt, state: known.state as RunState };
  if (supersedes(report, moment)) {
    // A new attempt starts from nothing; within one, the start that was told stands.
    const base = report.attempt === known.attempt ? { ...told, started_at: told.started_at ?? known.started_at } : told;
    const isOver = TERMINAL_STATES.has(report.state);
    return isOver ? { ...base, refusal_json: null, closed_at: now } : { ...base, ...ACCEPTED, closed_at: null };
  }
  if (report.attempt !== known.attempt || report.state !== known.state) return undefined;
  // Who reports on a run has it.
  const accepted = TERMINAL_STATES.has(report.state) || known.dispatch === "accepted" ? {} : ACCEPTED;
  const waiting = told.waiting === known.waiting || report.state !== "queued" ? {} : { waiting: told.waiting };
  const missing = Object.entries(told).filter(
    ([column, value]) => value !== null && known[column as keyof typeof told] === null,
  );
  const news = { ...Object.fromEntries(missing), ...waiting, ...accepted };
  return Object.keys(news).length === 0 ? undefined : news;
}

/** What adding a reported run needs beside the report. */
export interface Reporting {
  readonly now: number;
  readonly tooMany: () => void;
  readonly believed: (times: KnownTimes) => RunReport;
}

/** A schedule on the runner's side started it: the run gets a row if it is of a pipeline of this runner. */
export async function addReported(
  transaction: Transaction<Database>,
  runnerId: string,
  told: RunReport,
  { now, tooMany, believed }: Reporting,
): Promise<TakenReport | undefined> {
  const made = await pipelineMade(transaction, told.pipelineId, runnerId);
  if (made === undefined) return undefined;
  if (!TERMINAL_STATES.has(told.state) && (await hasTooManyOpen(transaction, runnerId, told.pipelineId))) {
    tooMany();
    return undefined;
  }
  const report = believed({ earliest: made });
  const row = await transaction
    .insertInto("run")
    .values({
      ...reportColumns(report),
      run_id: report.runId,
      pipeline_id: report.pipelineId,
      runner_id: runnerId,
      ...ACCEPTED,
      stop_requested: 0,
      source_config_override_json: null,
      app_config_override_json: null,
      created_at: report.startedAt ?? now,
      start_deadline: report.startedAt ?? now,
      closed_at: TERMINAL_STATES.has(report.state) ? now : null,
      ...NO_LOG,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  return { run: runRecord(row, []), changed: true, added: true };
}

/** Since when there is a pipeline of this runner; undefined when there is none. */
async function pipelineMade(
  transaction: Transaction<Database>,
  pipelineId: string,
  runnerId: string,
): Promise<number | undefined> {
  const pipeline = await transaction
    .selectFrom("pipeline")
    .select("created_at")
    .where("pipeline_id", "=", pipelineId)
    .where("runner_id", "=", runnerId)
    .executeTakeFirst();
  if (pipeline === undefined) return undefined;
  // A damaged row costs itself only.
  return isWithin(BOUNDS.timestamp, pipeline.created_at) ? pipeline.created_at : 0;
}

/** What of a known run bounds the times that are told of one of its attempts. */
export async function knownTimes(
  transaction: Transaction<Database>,
  known: Selectable<RunTable>,
  attempt: number,
): Promise<KnownTimes> {
  // One that its runner began by itself has no time to be started in, and was known later than it began.
  const isOrdered = known.start_deadline > known.created_at;
  const made = isOrdered ? known.created_at : await pipelineMade(transaction, known.pipeline_id, known.runner_id);
  if (attempt !== known.attempt) return { earliest: made ?? 0 };
  return { earliest: made ?? 0, startedAt: known.started_at ?? undefined, endedAt: known.ended_at ?? undefined };
}
