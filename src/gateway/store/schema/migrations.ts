import { type Kysely, sql } from "kysely";
import type { Migration } from "kysely/migration";

/*
 * Forward only. A migration that has been released is never changed; a new one gets the next number.
 * The queries' view of the result is ../tables.ts.
 */

const first: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema
      .createTable("meta")
      .addColumn("name", "text", (column) => column.primaryKey())
      .addColumn("value", "blob", (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("runner")
      .addColumn("runner_id", "text", (column) => column.primaryKey())
      .addColumn("installation_id", "text")
      .addColumn("instance_id", "text")
      .addColumn("epoch", "integer", (column) => column.notNull())
      .addColumn("runner_version", "text")
      .addColumn("ingestion_version", "text")
      .addColumn("executor", "text")
      .addColumn("platform", "text")
      .addColumn("max_concurrent_runs", "integer")
      .addColumn("last_seen_at", "integer")
      .addColumn("created_at", "integer", (column) => column.notNull())
      .execute();
    await db.schema
      .createTable("runner_token")
      .addColumn("token_id", "text", (column) => column.primaryKey())
      .addColumn("sha256", "text", (column) => column.notNull())
      .addColumn("runner_id", "text")
      .addColumn("created_at", "integer", (column) => column.notNull())
      .addColumn("expires_at", "integer")
      .addColumn("revoked_at", "integer")
      .execute();
    await db.schema
      .createTable("service")
      .addColumn("service_id", "text", (column) => column.primaryKey())
      .addColumn("name", "text", (column) => column.notNull().unique())
      .addColumn("service_type", "text", (column) => column.notNull())
      .addColumn("connection_json", "text", (column) => column.notNull())
      .addColumn("runner_id", "text", (column) => column.notNull())
      .addColumn("created_at", "integer", (column) => column.notNull())
      .execute();
    await createPipelines(db);
    await createRuns(db);
  },
};

async function createPipelines(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("pipeline")
    .addColumn("pipeline_id", "text", (column) => column.primaryKey())
    .addColumn("service_id", "text", (column) => column.notNull())
    .addColumn("runner_id", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("fully_qualified_name", "text", (column) => column.notNull())
    .addColumn("pipeline_type", "text", (column) => column.notNull())
    .addColumn("source_config_json", "text", (column) => column.notNull())
    .addColumn("sink_json", "text")
    .addColumn("schedule_json", "text")
    .addColumn("timeout_seconds", "integer")
    .addColumn("enabled", "integer", (column) => column.notNull())
    .addColumn("deployed", "integer", (column) => column.notNull())
    .addColumn("generation", "integer", (column) => column.notNull())
    .addColumn("hash", "text", (column) => column.notNull())
    .addColumn("deleted_at", "integer")
    .addColumn("bot_token", "blob")
    .addColumn("created_at", "integer", (column) => column.notNull())
    .addColumn("updated_at", "integer", (column) => column.notNull())
    .execute();
  await sql`create unique index pipeline_fully_qualified_name on pipeline (fully_qualified_name) where deleted_at is null`.execute(
    db,
  );
  await db.schema.createIndex("pipeline_runner").on("pipeline").column("runner_id").execute();
  await db.schema.createIndex("pipeline_service").on("pipeline").column("service_id").execute();
}

async function createRuns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable("run")
    .addColumn("number", "integer", (column) => column.primaryKey().autoIncrement())
    .addColumn("run_id", "text", (column) => column.notNull().unique())
    .addColumn("pipeline_id", "text", (column) => column.notNull())
    .addColumn("runner_id", "text", (column) => column.notNull())
    .addColumn("attempt", "integer", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("dispatch", "text", (column) => column.notNull())
    .addColumn("stop_requested", "integer", (column) => column.notNull())
    .addColumn("source_config_override_json", "text")
    .addColumn("created_at", "integer", (column) => column.notNull())
    .addColumn("start_deadline", "integer", (column) => column.notNull())
    .addColumn("started_at", "integer")
    .addColumn("ended_at", "integer")
    .addColumn("exit_code", "integer")
    .addColumn("proof", "text")
    .addColumn("failure_json", "text")
    .addColumn("log_end_json", "text")
    .addColumn("log_bytes", "integer", (column) => column.notNull())
    .execute();
  await db.schema.createIndex("run_runner_state").on("run").columns(["runner_id", "state", "number"]).execute();
  await db.schema.createIndex("run_pipeline").on("run").columns(["pipeline_id", "number"]).execute();
  await db.schema.createIndex("run_state").on("run").columns(["state", "number"]).execute();
  await db.schema
    .createTable("log_piece")
    .addColumn("run_id", "text", (column) => column.notNull().references("run.run_id").onDelete("cascade"))
    .addColumn("offset", "integer", (column) => column.notNull())
    .addColumn("bytes", "integer", (column) => column.notNull())
    .addColumn("data", "blob")
    .addPrimaryKeyConstraint("log_piece_key", ["run_id", "offset"])
    .execute();
  await sql`create index log_gap on log_piece (run_id) where data is null`.execute(db);
}

/** Runs of applications may replace `appConfig`. */
const applicationOverrides: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("run").addColumn("app_config_override_json", "text").execute();
  },
};

/** Logs of which only beginning and end are sent, and logs that are sent again. */
const logDelivery: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("run").addColumn("log_held_at", "integer").execute();
    await db.schema
      .alterTable("run")
      .addColumn("log_restarted", "integer", (column) => column.notNull().defaultTo(0))
      .execute();
  },
};

/** Runs that are tried again, and what a run in a cluster waits for. */
const attempts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("pipeline").addColumn("retries", "integer").execute();
    await db.schema.alterTable("pipeline").addColumn("retry_delay_seconds", "integer").execute();
    await db.schema.alterTable("run").addColumn("waiting", "text").execute();
  },
};

/** Why a waiting run was not taken by its runner. */
const refusals: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("run").addColumn("refusal_json", "text").execute();
  },
};

/** Ceilings of stored logs, and what the removal of old runs and tombstones goes by. */
const retention: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    const run = () => db.schema.alterTable("run");
    await run()
      .addColumn("log_stored", "integer", (column) => column.notNull().defaultTo(0))
      .execute();
    await run().addColumn("log_capped_at", "integer").execute();
    await run().addColumn("log_capped_by", "text").execute();
    await run().addColumn("closed_at", "integer").execute();
    await db.schema.alterTable("pipeline").addColumn("buried_at", "integer").execute();
    // A runner's clock, which the times of ends are from, may be ahead.
    await sql`update run set
      log_stored = (select coalesce(sum(length(data)), 0) from log_piece where log_piece.run_id = run.run_id),
      closed_at = iif(state in ('success', 'failed', 'partialSuccess', 'stopped'),
        min(coalesce(ended_at, created_at), unixepoch() * 1000), null)`.execute(db);
    await sql`create index run_closed on run (closed_at) where closed_at is not null`.execute(db);
  },
};

/** Runners that are taken out of service. */
const retirement: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("runner").addColumn("retired_at", "integer").execute();
  },
};

/** Names of the machines that runners are on. */
const hosts: Migration = {
  async up(db: Kysely<unknown>): Promise<void> {
    await db.schema.alterTable("runner").addColumn("host", "text").execute();
  },
};

/** Every migration by name, in the order they are applied. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-first": first,
  "0002-application-overrides": applicationOverrides,
  "0003-log-delivery": logDelivery,
  "0004-attempts": attempts,
  "0005-refusals": refusals,
  "0006-retention": retention,
  "0007-retirement": retirement,
  "0008-hosts": hosts,
};
