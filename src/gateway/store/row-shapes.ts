import type { Selectable } from "kysely";
import { fields, oneOf, type Shape, text, textLike, whole } from "../../base/shape.ts";
import { BOUNDS } from "../../protocol/bounds.ts";
import { RUN_STATES } from "../../protocol/run-state.ts";
import type { PipelineTable, RunnerTable, RunnerTokenTable, RunTable, ServiceTable } from "./tables.ts";

/*
 * What a row must look like to be read. The engine holds anything in any column, and not only this program writes to the
 * file: it may be restored, repaired by hand, or made by a version with other bounds.
 */

type RunRow = Selectable<RunTable>;

const time = whole(BOUNDS.timestamp);
/** As the protocol has them: an id of another form would make a frame that nobody may send. */
const uuid = textLike(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i, "a UUID");
const runnerId = textLike(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, "a runner id");
const hash = textLike(/^\w{0,64}$/, "a hash");
const truth = whole({ least: 0, most: 1 });

/** A column without a value is null. */
function nullable<T>(shape: Shape<T>): Shape<T | null> {
  return {
    check(value, path, problems) {
      if (value !== null) shape.check(value, path, problems);
    },
  };
}

/** A runner. */
export const RUNNER_ROW: Shape<Selectable<RunnerTable>> = fields<Selectable<RunnerTable>>({
  runner_id: runnerId,
  installation_id: nullable(text),
  instance_id: nullable(text),
  epoch: whole({ ...BOUNDS.epoch, least: 0 }),
  runner_version: nullable(text),
  ingestion_version: nullable(text),
  executor: nullable(text),
  platform: nullable(text),
  host: nullable(text),
  max_concurrent_runs: nullable(whole(BOUNDS.maxConcurrentRuns)),
  last_seen_at: nullable(time),
  retired_at: nullable(time),
  created_at: time,
});

/** An issued token. */
export const TOKEN_ROW: Shape<Selectable<RunnerTokenTable>> = fields<Selectable<RunnerTokenTable>>({
  token_id: uuid,
  sha256: hash,
  runner_id: nullable(runnerId),
  created_at: time,
  expires_at: nullable(time),
  revoked_at: nullable(time),
});

/** A data source. */
export const SERVICE_ROW: Shape<Selectable<ServiceTable>> = fields<Selectable<ServiceTable>>({
  service_id: uuid,
  name: text,
  service_type: text,
  connection_json: text,
  runner_id: runnerId,
  created_at: time,
});

/** A pipeline's row without its sealed token and what only the retention needs. */
export type PipelineRow = Omit<Selectable<PipelineTable>, "bot_token" | "buried_at">;

/** What is told of a pipeline. */
export const PIPELINE_ROW: Shape<PipelineRow> = fields<PipelineRow>({
  pipeline_id: uuid,
  service_id: uuid,
  runner_id: runnerId,
  name: text,
  fully_qualified_name: text,
  pipeline_type: text,
  source_config_json: text,
  sink_json: nullable(text),
  schedule_json: nullable(text),
  timeout_seconds: nullable(whole(BOUNDS.timeoutSeconds)),
  retries: nullable(whole(BOUNDS.retries)),
  retry_delay_seconds: nullable(whole(BOUNDS.retryDelaySeconds)),
  enabled: truth,
  deployed: truth,
  generation: whole(BOUNDS.generation),
  hash,
  deleted_at: nullable(time),
  created_at: time,
  updated_at: time,
});

type Wanted = Pick<Selectable<PipelineTable>, "pipeline_id" | "generation" | "hash" | "deleted_at" | "deployed">;

/** What a comparison needs of a pipeline. */
export const WANTED_ROW: Shape<Wanted> = fields<Wanted>({
  pipeline_id: uuid,
  generation: whole(BOUNDS.generation),
  hash,
  deleted_at: nullable(time),
  deployed: truth,
});

type LogColumn = "log_bytes" | "log_stored" | "log_held_at" | "log_capped_at" | "log_capped_by" | "log_end_json";

const logColumns: { readonly [C in LogColumn]: Shape<RunRow[C]> } = {
  log_bytes: whole(BOUNDS.logBytes),
  log_stored: whole(BOUNDS.logBytes),
  log_held_at: nullable(whole(BOUNDS.logBytes)),
  log_capped_at: nullable(whole(BOUNDS.logBytes)),
  log_capped_by: nullable(oneOf("run", "runner", "store")),
  log_end_json: nullable(text),
};

type LogState = Pick<RunRow, "run_id" | "runner_id" | LogColumn>;

/** Where a run's log stands. */
export const LOG_STATE_ROW: Shape<LogState> = fields<LogState>({
  run_id: uuid,
  runner_id: runnerId,
  ...logColumns,
});

/** A run. */
export const RUN_ROW: Shape<RunRow> = fields<RunRow>({
  number: whole({ least: 1, most: Number.MAX_SAFE_INTEGER }),
  run_id: uuid,
  pipeline_id: uuid,
  runner_id: runnerId,
  attempt: whole(BOUNDS.attempt),
  state: oneOf(...RUN_STATES),
  dispatch: oneOf("waiting", "offered", "accepted"),
  waiting: nullable(text),
  stop_requested: truth,
  source_config_override_json: nullable(text),
  app_config_override_json: nullable(text),
  created_at: time,
  start_deadline: time,
  started_at: nullable(time),
  ended_at: nullable(time),
  exit_code: nullable(whole(BOUNDS.exitCode)),
  proof: nullable(text),
  failure_json: nullable(text),
  refusal_json: nullable(text),
  ...logColumns,
  closed_at: nullable(time),
  log_restarted: truth,
});
