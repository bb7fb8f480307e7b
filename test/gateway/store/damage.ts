import { DatabaseSync, type SQLInputValue } from "node:sqlite";

/** What a column may hold that nobody meant: beyond exact integers, beyond 64 bits, other types, broken JSON, nothing. */
const DAMAGES: readonly SQLInputValue[] = [
  -1n,
  2n ** 53n - 1n,
  2n ** 53n,
  -(2n ** 53n),
  2n ** 63n - 1n,
  1e308,
  "NaN",
  '{"bytes":1e308}',
  "[",
  new Uint8Array([0, 255]),
  null,
];

/** A row that was written, and the column that is damaged. */
export interface DamagedRow {
  readonly table: string;
  readonly id: unknown;
  readonly column: string;
  readonly value: SQLInputValue;
}

/**
 * Copies a row of each of these tables once for each of its columns and each damage, which takes the place of what was there;
 * what the table itself refuses is left out. The row that was copied stays as it is.
 */
export function damageCopies(path: string, tables: Readonly<Record<string, string>>): readonly DamagedRow[] {
  const database = new DatabaseSync(path);
  const written: DamagedRow[] = [];
  database.exec("pragma foreign_keys = off; begin");
  for (const [table, idColumn] of Object.entries(tables)) {
    const statement = database.prepare(`select * from ${table} order by rowid limit 1`);
    statement.setReadBigInts(true);
    const sound = statement.get() as Record<string, SQLInputValue>;
    for (const column of Object.keys(sound)) {
      if (column === "number") continue;
      for (const value of DAMAGES) {
        const row = Object.fromEntries(Object.entries(sound).filter(([name]) => name !== "number"));
        const unique = crypto.randomUUID();
        for (const name of [idColumn, "name", "fully_qualified_name"]) if (name in row) row[name] = unique;
        row[column] = value;
        const names = Object.keys(row);
        const sql = `insert or ignore into ${table} (${names.join()}) values (${names.map(() => "?").join()})`;
        try {
          const { changes } = database.prepare(sql).run(...Object.values(row));
          if (changes === 1) written.push({ table, id: row[idColumn], column, value });
        } catch {
          // The table takes no such value.
        }
      }
    }
  }
  database.exec("commit");
  database.close();
  return written;
}
