import {
  CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  Kysely,
  SqliteAdapter,
  SqliteDriver,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type { Clock } from "../../base/clock.ts";
import { CodedError, describeError } from "../../base/errors.ts";
import type { Sensitive } from "../../base/sensitive.ts";
import { open, randomToken, seal } from "../../runtime/crypto.ts";
import { openSqlite, type SqliteDatabase } from "../../runtime/sqlite.ts";
import { storageAdvice } from "../../runtime/storage-advice.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { BLOCKING_WAIT_MS, retryWhileBusy } from "./busy.ts";
import { MIGRATIONS } from "./schema/migrations.ts";
import type { Database } from "./tables.ts";

const CANARY = "canary";

/**
 * Takes the write lock at the begin, so that a transaction that reads first can't meet a lock it may not wait for;
 * and waits for locks without blocking the process.
 */
class PatientDriver extends SqliteDriver {
  readonly #clock: Clock;
  #connection: DatabaseConnection | undefined;

  constructor(database: SqliteDatabase, clock: Clock) {
    super({ database });
    this.#clock = clock;
  }

  override async acquireConnection(): Promise<DatabaseConnection> {
    const inner = await super.acquireConnection();
    // A lock is met by the first statement of a transaction or by one that stands alone: nothing was done, so it may be repeated.
    this.#connection ??= {
      executeQuery: (query, options) => retryWhileBusy(this.#clock, () => inner.executeQuery(query, options)),
      streamQuery: (query, chunkSize, options) => inner.streamQuery(query, chunkSize, options),
    };
    return this.#connection;
  }

  /** The engine takes some failures back by itself (a full disk); that there is nothing left to take back must not hide which one it was. */
  override async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    try {
      await super.rollbackTransaction(connection);
    } catch (error) {
      if (!/no transaction is active/.test(describeError(error))) throw error;
    }
  }

  override async beginTransaction(connection: DatabaseConnection): Promise<void> {
    await connection.executeQuery(CompiledQuery.raw("begin immediate"));
  }
}

/** SQLite does undo a half-made table; saying so lets all migrations run in one transaction. */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/**
 * Opens the database file, brings it to this program's schema and checks that the key is the one it was made with;
 * all in one transaction, so that several processes may do it at once.
 * @throws CodedError StoreTooNew, WrongStoreKey, or the engine's error
 */
export async function openDatabase(
  path: string,
  key: Sensitive<Uint8Array>,
  clock: Clock,
  migrations: Readonly<Record<string, Migration>> = MIGRATIONS,
): Promise<Kysely<Database>> {
  const sqlite = await retryWhileBusy(clock, () => openSqlite(path, { busyTimeoutMs: BLOCKING_WAIT_MS }));
  // Kysely closes the file only once a query has run.
  const db = new Kysely<Database>({ dialect: sqliteDialect(sqlite, clock) });
  try {
    await db.transaction().execute(async (transaction) => {
      await refuseNewer(transaction, path, migrations);
      const provider = { getMigrations: async () => ({ ...migrations }) };
      const { error } = await new Migrator({ db: transaction, provider }).migrateToLatest();
      if (error !== undefined) throw error;
      await checkKey(transaction, path, key.reveal());
    });
    return db;
  } catch (error) {
    await db.destroy();
    throw error;
  }
}

function sqliteDialect(database: SqliteDatabase, clock: Clock): Dialect {
  return {
    createAdapter: () => new TransactionalAdapter(),
    createDriver: () => new PatientDriver(database, clock),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

async function refuseNewer(
  db: Kysely<Database>,
  path: string,
  migrations: Readonly<Record<string, Migration>>,
): Promise<void> {
  const known = new Set(Object.keys(migrations));
  const unknown = (await appliedMigrations(db)).filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new CodedError(
    GATEWAY_ERRORS.StoreTooNew,
    `Cannot open database ${path}: it has migrations this program doesn't know (${unknown.join(", ")})`,
    { facts: { path } },
  );
}

async function appliedMigrations(db: Kysely<Database>): Promise<readonly string[]> {
  const tables = await db.executeQuery(
    CompiledQuery.raw("select name from sqlite_master where type = 'table' and name = 'kysely_migration'"),
  );
  if (tables.rows.length === 0) return [];
  const { rows } = await db.executeQuery<{ name: string }>(CompiledQuery.raw("select name from kysely_migration"));
  return rows.map((row) => row.name);
}

/** A known kind of text sealed at the first opening: a wrong key is told at the start and not at the first bot token. */
async function checkKey(db: Kysely<Database>, path: string, key: Uint8Array): Promise<void> {
  const row = await db.selectFrom("meta").select("value").where("name", "=", CANARY).executeTakeFirst();
  if (row === undefined) {
    await db
      .insertInto("meta")
      .values({ name: CANARY, value: seal(key, CANARY, randomToken()) })
      .execute();
  } else if (open(key, CANARY, row.value) === undefined) {
    throw new CodedError(
      GATEWAY_ERRORS.WrongStoreKey,
      `Cannot open database ${path}: it was made with another encryption key`,
      { facts: { path } },
    );
  }
}

/** A failure of the engine as what it means to the store's users; coded errors stay as they are. */
export function storeFailure(what: string, cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  const advice = storageAdvice(cause, "start the gateway with another --data-directory");
  return new CodedError(GATEWAY_ERRORS.StoreUnavailable, `Cannot ${what}: ${describeError(cause)}`, {
    cause,
    ...(advice === undefined ? {} : { advice }),
  });
}
