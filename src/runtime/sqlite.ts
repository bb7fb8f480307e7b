import { chmodSync, closeSync, openSync } from "node:fs";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import { errorCode } from "../base/errors.ts";

/** A prepared statement in the shape SQL libraries expect. An integer that a number can't hold exactly is answered as a bigint. */
export interface SqliteStatement {
  /** True when it answers with rows. */
  readonly reader: boolean;
  all(parameters: readonly unknown[]): unknown[];
  run(parameters: readonly unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint };
  iterate(parameters: readonly unknown[]): IterableIterator<unknown>;
}

/** An open SQLite database. Calls block the process for as long as they take. */
export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  /** Runs statements without parameters or results. */
  execute(sql: string): void;
  close(): void;
}

/** How a database is opened. */
export interface SqliteOptions {
  /** How long a call waits for another process's lock. */
  readonly busyTimeoutMs: number;
  /** Rights of the file (its journal gets the same); they are set on an existing file too. */
  readonly mode?: number;
}

/** Preparing a statement takes longer than most take to run. */
const MOST_PREPARED = 200;
const REPEATED = /^(select|insert|update|delete|begin|commit|rollback)\b/i;

/**
 * Opens or makes a database file that several processes may use: write-ahead log, every commit synced to the disk
 * before the call returns, foreign keys enforced.
 * @throws the engine's or the file system's error
 */
export function openSqlite(path: string, options: SqliteOptions): SqliteDatabase {
  prepareFile(path, options.mode ?? 0o600);
  const database = new DatabaseSync(path, { timeout: options.busyTimeoutMs, enableForeignKeyConstraints: true });
  try {
    database.exec(`PRAGMA busy_timeout = ${Math.trunc(options.busyTimeoutMs)}`);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON");
  } catch (error) {
    database.close();
    throw error;
  }
  const prepared = new Map<string, SqliteStatement>();
  return {
    prepare(sql) {
      const known = prepared.get(sql);
      prepared.delete(sql);
      const statement = known ?? wrap(database, sql);
      // Least used first; whatever changes tables is rare, and what was prepared before it is better prepared anew.
      if (REPEATED.test(sql)) prepared.set(sql, statement);
      else prepared.clear();
      for (const oldest of prepared.keys()) {
        if (prepared.size <= MOST_PREPARED) break;
        prepared.delete(oldest);
      }
      return statement;
    },
    execute: (sql) => database.exec(sql),
    close: () => database.close(),
  };
}

function wrap(database: DatabaseSync, sql: string): SqliteStatement {
  const statement: StatementSync = database.prepare(sql);
  // What is only read may be read once more; what is changed must not be changed twice, so its integers come exactly at once.
  const mayRepeat = /^select\b/i.test(sql);
  return {
    reader: statement.columns().length > 0,
    all(parameters) {
      if (mayRepeat) {
        try {
          return statement.all(...bind(parameters));
        } catch (error) {
          if (errorCode(error) !== "ERR_OUT_OF_RANGE") throw error;
        }
      }
      statement.setReadBigInts(true);
      try {
        return statement.all(...bind(parameters)).map(withNumbers);
      } finally {
        statement.setReadBigInts(false);
      }
    },
    run: (parameters) => statement.run(...bind(parameters)),
    // Rows are fetched while others may use the same statement, so each has one of its own.
    iterate: (parameters) => database.prepare(sql).iterate(...bind(parameters)),
  };
}

/** Integers that a number holds exactly are numbers; only the others stay what they are. */
function withNumbers(row: unknown): unknown {
  const columns = Object.entries(row as object);
  return Object.fromEntries(
    columns.map(([name, value]) => [name, typeof value === "bigint" && isExact(value) ? Number(value) : value]),
  );
}

function isExact(value: bigint): boolean {
  return Number.isSafeInteger(Number(value));
}

/** The engine checks the types itself and names the parameter it can't take. */
function bind(parameters: readonly unknown[]): SQLInputValue[] {
  return parameters as SQLInputValue[];
}

/** The engine would make the file with the process's umask; it must never have been readable by others. */
function prepareFile(path: string, mode: number): void {
  if (path === ":memory:") return;
  closeSync(openSync(path, "a", mode));
  chmodSync(path, mode);
}
