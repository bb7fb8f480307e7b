import type { Insertable, Selectable } from "kysely";
import { isTerminal, type RunState } from "../../protocol/run-state.ts";
import { failureIn, logEndIn, maybeObjectIn, objectIn, refusalIn, scheduleIn, toJson } from "./json-columns.ts";
import type { LogCeiling } from "./kept.ts";
import { fitting } from "./readable.ts";
import { PIPELINE_ROW, type PipelineRow, RUN_ROW, RUNNER_ROW, SERVICE_ROW, TOKEN_ROW } from "./row-shapes.ts";
import type {
  DispatchState,
  PipelineChanges,
  PipelineRecord,
  RunnerRecord,
  RunRecord,
  ServiceRecord,
  TokenRecord,
} from "./store.ts";
import type { PipelineTable, RunnerTable, RunnerTokenTable, RunTable, ServiceTable } from "./tables.ts";

/*
 * Between records and table rows. Records leave absent fields out, rows hold null.
 */

type Present<T> = { [K in keyof T]: Exclude<T[K], null> };
type NullableKeys<T> = { [K in keyof T]: null extends T[K] ? K : never }[keyof T];
type WithoutNulls<T> = Omit<T, NullableKeys<T>> & Partial<Present<Pick<T, NullableKeys<T>>>>;

/** The object without the fields that are null. */
function withoutNulls<T extends object>(fields: T): WithoutNulls<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as WithoutNulls<T>;
}

/** A runner as a record. @throws Error when the row can't be read; so do the others */
export function runnerRecord(row: Selectable<RunnerTable>): RunnerRecord {
  fitting(RUNNER_ROW, row);
  return withoutNulls({
    runnerId: row.runner_id,
    installationId: row.installation_id,
    instanceId: row.instance_id,
    epoch: row.epoch,
    runnerVersion: row.runner_version,
    ingestionVersion: row.ingestion_version,
    executor: row.executor,
    platform: row.platform,
    host: row.host,
    maxConcurrentRuns: row.max_concurrent_runs,
    lastSeenAt: row.last_seen_at,
    retiredAt: row.retired_at,
    createdAt: row.created_at,
  });
}

/** A runner token as a record. */
export function tokenRecord(row: Selectable<RunnerTokenTable>): TokenRecord {
  fitting(TOKEN_ROW, row);
  return withoutNulls({
    tokenId: row.token_id,
    sha256: row.sha256,
    runnerId: row.runner_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  });
}

/** A runner token as a row. */
export function tokenRow(token: TokenRecord): Insertable<RunnerTokenTable> {
  return {
    token_id: token.tokenId,
    sha256: token.sha256,
    runner_id: token.runnerId ?? null,
    created_at: token.createdAt,
    expires_at: token.expiresAt ?? null,
    revoked_at: token.revokedAt ?? null,
  };
}

/** A service as a record. */
export function serviceRecord(row: Selectable<ServiceTable>): ServiceRecord {
  fitting(SERVICE_ROW, row);
  return {
    serviceId: row.service_id,
    name: row.name,
    serviceType: row.service_type,
    connection: objectIn("connection_json", row.connection_json),
    runnerId: row.runner_id,
    createdAt: row.created_at,
  };
}

/** A service as a row. */
export function serviceRow(service: ServiceRecord): Insertable<ServiceTable> {
  return {
    service_id: service.serviceId,
    name: service.name,
    service_type: service.serviceType,
    connection_json: JSON.stringify(service.connection),
    runner_id: service.runnerId,
    created_at: service.createdAt,
  };
}

/** A pipeline as a record; its sealed bot token never gets into one. */
export function pipelineRecord(row: PipelineRow): PipelineRecord {
  fitting(PIPELINE_ROW, row);
  return withoutNulls({
    pipelineId: row.pipeline_id,
    serviceId: row.service_id,
    runnerId: row.runner_id,
    name: row.name,
    fullyQualifiedName: row.fully_qualified_name,
    pipelineType: row.pipeline_type,
    sourceConfig: objectIn("source_config_json", row.source_config_json),
    sink: maybeObjectIn("sink_json", row.sink_json),
    schedule: scheduleIn("schedule_json", row.schedule_json),
    timeoutSeconds: row.timeout_seconds,
    retries: row.retries,
    retryDelaySeconds: row.retry_delay_seconds,
    enabled: row.enabled === 1,
    deployed: row.deployed === 1,
    generation: row.generation,
    hash: row.hash,
    deletedAt: row.deleted_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  });
}

/** A pipeline as a row, without the sealed bot token. */
export function pipelineRow(pipeline: PipelineRecord): Omit<Insertable<PipelineTable>, "bot_token" | "buried_at"> {
  return {
    pipeline_id: pipeline.pipelineId,
    service_id: pipeline.serviceId,
    runner_id: pipeline.runnerId,
    name: pipeline.name,
    fully_qualified_name: pipeline.fullyQualifiedName,
    pipeline_type: pipeline.pipelineType,
    source_config_json: JSON.stringify(pipeline.sourceConfig),
    sink_json: toJson(pipeline.sink),
    schedule_json: toJson(pipeline.schedule),
    timeout_seconds: pipeline.timeoutSeconds ?? null,
    retries: pipeline.retries ?? null,
    retry_delay_seconds: pipeline.retryDelaySeconds ?? null,
    enabled: pipeline.enabled ? 1 : 0,
    deployed: pipeline.deployed ? 1 : 0,
    generation: pipeline.generation,
    hash: pipeline.hash,
    deleted_at: pipeline.deletedAt ?? null,
    created_at: pipeline.createdAt,
    updated_at: pipeline.updatedAt,
  };
}

/** Only the columns that change. */
export function pipelineChangesRow(changes: PipelineChanges): Partial<Insertable<PipelineTable>> {
  return {
    updated_at: changes.updatedAt,
    ...(changes.enabled === undefined ? {} : { enabled: changes.enabled ? 1 : 0 }),
    ...(changes.deployed === undefined ? {} : { deployed: changes.deployed ? 1 : 0 }),
    ...(changes.hash === undefined ? {} : { hash: changes.hash }),
    ...(changes.deletedAt === undefined ? {} : { deleted_at: changes.deletedAt }),
    ...(changes.sourceConfig === undefined ? {} : { source_config_json: JSON.stringify(changes.sourceConfig) }),
    ...(changes.schedule === undefined ? {} : { schedule_json: toJson(changes.schedule ?? undefined) }),
    ...(changes.sink === undefined ? {} : { sink_json: toJson(changes.sink ?? undefined) }),
    ...(changes.timeoutSeconds === undefined ? {} : { timeout_seconds: changes.timeoutSeconds }),
    ...(changes.retries === undefined ? {} : { retries: changes.retries }),
    ...(changes.retryDelaySeconds === undefined ? {} : { retry_delay_seconds: changes.retryDelaySeconds }),
  };
}

/** A run as a record, with the gaps of its log from the other table. */
export function runRecord(row: Selectable<RunTable>, logGaps: RunRecord["logGaps"]): RunRecord {
  fitting(RUN_ROW, row);
  return withoutNulls({
    runId: row.run_id,
    pipelineId: row.pipeline_id,
    runnerId: row.runner_id,
    attempt: row.attempt,
    state: row.state as RunState,
    dispatch: row.dispatch as DispatchState,
    waiting: row.waiting,
    refusal: refusalIn("refusal_json", row.refusal_json),
    stopRequested: row.stop_requested === 1,
    sourceConfigOverride: maybeObjectIn("source_config_override_json", row.source_config_override_json),
    appConfigOverride: maybeObjectIn("app_config_override_json", row.app_config_override_json),
    createdAt: row.created_at,
    startDeadline: row.start_deadline,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    exitCode: row.exit_code,
    proof: row.proof,
    failure: failureIn("failure_json", row.failure_json),
    logEnd: logEndIn("log_end_json", row.log_end_json),
    logBytes: row.log_bytes,
    logHeldAt: row.log_held_at,
    logCappedAt: row.log_capped_at,
    logCappedBy: row.log_capped_by as LogCeiling | null,
    logGaps,
  });
}

/** The columns of a log of which nothing is here. */
export const NO_LOG: Readonly<
  Pick<Selectable<RunTable>, "log_bytes" | "log_stored" | "log_held_at" | "log_capped_at" | "log_capped_by">
> = { log_bytes: 0, log_stored: 0, log_held_at: null, log_capped_at: null, log_capped_by: null };

/** A new run as a row. */
export function runRow(run: RunRecord): Insertable<RunTable> {
  return {
    run_id: run.runId,
    pipeline_id: run.pipelineId,
    runner_id: run.runnerId,
    attempt: run.attempt,
    state: run.state,
    dispatch: run.dispatch,
    waiting: run.waiting ?? null,
    refusal_json: toJson(run.refusal),
    stop_requested: run.stopRequested ? 1 : 0,
    source_config_override_json: toJson(run.sourceConfigOverride),
    app_config_override_json: toJson(run.appConfigOverride),
    created_at: run.createdAt,
    start_deadline: run.startDeadline,
    started_at: run.startedAt ?? null,
    ended_at: run.endedAt ?? null,
    exit_code: run.exitCode ?? null,
    proof: run.proof ?? null,
    failure_json: toJson(run.failure),
    log_end_json: toJson(run.logEnd),
    closed_at: isTerminal(run.state) ? (run.endedAt ?? run.createdAt) : null,
    // The log begins empty whatever the record says: bytes come only through appendLog.
    ...NO_LOG,
  };
}
