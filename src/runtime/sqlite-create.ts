import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** Rows for one table, as a statement with a parameter for each column. */
export interface SqliteRows {
  readonly insert: string;
  readonly rows: readonly (readonly SQLInputValue[])[];
}

/** Makes a database file: statements that shape it, then rows, all in one transaction with foreign keys enforced. */
export function createSqliteFile(path: string, statements: readonly string[], contents: readonly SqliteRows[]): void {
  const database = new DatabaseSync(path, { enableForeignKeyConstraints: true });
  try {
    database.exec("BEGIN");
    for (const statement of statements) database.exec(statement);
    for (const { insert, rows } of contents) {
      const prepared = database.prepare(insert);
      for (const row of rows) prepared.run(...row);
    }
    database.exec("COMMIT");
  } finally {
    database.close();
  }
}
