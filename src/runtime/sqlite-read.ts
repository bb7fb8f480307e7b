import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** Values of a row, by column name. */
export type SqliteRow = Readonly<Record<string, string | number | bigint | Uint8Array | null>>;

/** A database file that can only be read. */
export interface SqliteReader {
  /** Runs one query with positional parameters. @throws the engine's error, whose message holds no path */
  all(sql: string, ...parameters: readonly SQLInputValue[]): readonly SqliteRow[];
  close(): void;
}

/**
 * Opens an existing SQLite file for reading; nothing is created or changed.
 * @throws the engine's error when there is no such file or it is not a database
 */
export function openSqliteForReading(path: string): SqliteReader {
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 });
  return {
    all: (sql, ...parameters) => database.prepare(sql).all(...parameters) as SqliteRow[],
    close: () => database.close(),
  };
}
