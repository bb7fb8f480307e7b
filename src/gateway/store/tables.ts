import type { Generated } from "kysely";

/*
 * The tables as the queries see them; schema/migrations.ts makes them. Times are epoch milliseconds, truth values are
 * 0 and 1, columns ending in _json hold JSON text.
 */

/** Facts about the database itself, such as the sealed text that tells a wrong key. */
export interface MetaTable {
  name: string;
  value: Uint8Array;
}

/** Runners and the epochs of their sessions. */
export interface RunnerTable {
  runner_id: string;
  installation_id: string | null;
  instance_id: string | null;
  epoch: number;
  runner_version: string | null;
  ingestion_version: string | null;
  executor: string | null;
  platform: string | null;
  host: string | null;
  max_concurrent_runs: number | null;
  last_seen_at: number | null;
  retired_at: number | null;
  created_at: number;
}

/** Hashes of issued runner tokens. */
export interface RunnerTokenTable {
  token_id: string;
  sha256: string;
  runner_id: string | null;
  created_at: number;
  expires_at: number | null;
  revoked_at: number | null;
}

/** Data sources. */
export interface ServiceTable {
  service_id: string;
  name: string;
  service_type: string;
  connection_json: string;
  runner_id: string;
  created_at: number;
}

/** Wanted pipelines; deleted ones stay as tombstones. */
export interface PipelineTable {
  pipeline_id: string;
  service_id: string;
  runner_id: string;
  name: string;
  fully_qualified_name: string;
  pipeline_type: string;
  source_config_json: string;
  sink_json: string | null;
  schedule_json: string | null;
  timeout_seconds: number | null;
  retries: number | null;
  retry_delay_seconds: number | null;
  enabled: number;
  deployed: number;
  generation: number;
  hash: string;
  deleted_at: number | null;
  /** Of a tombstone: when its runner was known not to have it any more. */
  buried_at: number | null;
  /** Sealed under the store's key, with the pipeline's id as context. */
  bot_token: Uint8Array | null;
  created_at: number;
  updated_at: number;
}

/** Runs. */
export interface RunTable {
  /** Order of arrival. */
  number: Generated<number>;
  run_id: string;
  pipeline_id: string;
  runner_id: string;
  attempt: number;
  state: string;
  dispatch: string;
  /** What keeps a queued run from running. */
  waiting: string | null;
  /** Why the runner didn't take it, while it waits. */
  refusal_json: string | null;
  stop_requested: number;
  source_config_override_json: string | null;
  app_config_override_json: string | null;
  created_at: number;
  start_deadline: number;
  started_at: number | null;
  ended_at: number | null;
  exit_code: number | null;
  proof: string | null;
  failure_json: string | null;
  log_end_json: string | null;
  /** Where the next piece of log belongs. */
  log_bytes: number;
  /** Where the runner stopped sending because of its limit; null when nothing is or was held back. */
  log_held_at: number | null;
  /** Bytes of the log that are stored: without its gaps. */
  log_stored: Generated<number>;
  /** From where on the gateway keeps nothing of the log, and which ceiling it met there: run, runner or store. */
  log_capped_at: number | null;
  log_capped_by: string | null;
  /** When the gateway stored the end of its newest attempt, by its own clock; null while it hasn't ended. */
  closed_at: number | null;
  /** 1 when the log was dropped once because it differed from the hash that was told. */
  log_restarted: Generated<number>;
}

/** Pieces and gaps of a log follow each other without a hole: `offset + bytes` of one is the offset of the next. */
export interface LogPieceTable {
  run_id: string;
  offset: number;
  bytes: number;
  /** Whole characters in UTF-8; null marks a gap. */
  data: Uint8Array | null;
}

/** Every table of the gateway's database. */
export interface Database {
  meta: MetaTable;
  runner: RunnerTable;
  runner_token: RunnerTokenTable;
  service: ServiceTable;
  pipeline: PipelineTable;
  run: RunTable;
  log_piece: LogPieceTable;
}
