import type { SqliteReader, SqliteRow } from "../../runtime/sqlite-read.ts";
import type { ColumnMetadata, ForeignKeyMetadata, IndexMetadata, TableMetadata } from "../metadata.ts";

/** A table or view that is there to be read. */
export interface TableName {
  readonly name: string;
  readonly tableType: "Regular" | "View";
}

/** Names of all tables and views, sorted; SQLite's own are left out. */
export function listTables(database: SqliteReader): readonly TableName[] {
  const rows = database.all(
    "SELECT name, type FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
  );
  return rows.map((row) => ({ name: text(row, "name"), tableType: row["type"] === "view" ? "View" : "Regular" }));
}

/** Everything the database tells of one table or view. */
export function readTable(database: SqliteReader, { name, tableType }: TableName): TableMetadata {
  const columns = database.all("SELECT * FROM pragma_table_xinfo(?) ORDER BY cid", name);
  const indexes = database.all("SELECT * FROM pragma_index_list(?) ORDER BY name", name);
  const key = columns.filter((row) => Number(row["pk"]) > 0).sort((a, b) => Number(a["pk"]) - Number(b["pk"]));
  const [count] = database.all(`SELECT COUNT(*) AS n FROM "${name.replaceAll('"', '""')}"`);
  return {
    name,
    tableType,
    columns: columns.map(readColumn),
    primaryKey: key.map((row) => text(row, "name")),
    uniqueKeys: indexes
      .filter((row) => row["origin"] === "u")
      .map((row) => indexColumns(database, text(row, "name")))
      .toSorted(),
    foreignKeys: readForeignKeys(database, name),
    indexes: indexes.filter((row) => row["origin"] === "c").map((row) => readIndex(database, row)),
    rowCount: Number(count?.["n"]),
  };
}

function readColumn(row: SqliteRow): ColumnMetadata {
  const declared = text(row, "type").toUpperCase();
  const fallback = row["dflt_value"];
  return {
    name: text(row, "name"),
    dataType: declared === "" ? "UNKNOWN" : declared,
    nullable: Number(row["notnull"]) === 0 && Number(row["pk"]) === 0,
    ...(typeof fallback === "string" ? { defaultValue: fallback } : {}),
  };
}

function readIndex(database: SqliteReader, row: SqliteRow): IndexMetadata {
  const name = text(row, "name");
  return { name, columns: indexColumns(database, name), unique: Number(row["unique"]) === 1 };
}

function indexColumns(database: SqliteReader, index: string): readonly string[] {
  return database.all("SELECT name FROM pragma_index_info(?) ORDER BY seqno", index).map((row) => text(row, "name"));
}

/** SQLite numbers foreign keys backwards, and leaves the target out where it is the other table's primary key. */
function readForeignKeys(database: SqliteReader, table: string): readonly ForeignKeyMetadata[] {
  const rows = database.all("SELECT * FROM pragma_foreign_key_list(?) ORDER BY id DESC, seq", table);
  const keys = Map.groupBy(rows, (row) => Number(row["id"]));
  return [...keys.values()].map((parts) => {
    const [first] = parts;
    const referencedTable = first === undefined ? "" : text(first, "table");
    const named = parts.map((row) => row["to"]).filter((to) => typeof to === "string");
    return {
      columns: parts.map((row) => text(row, "from")),
      referencedTable,
      referencedColumns: named.length > 0 ? named : primaryKeyOf(database, referencedTable),
      onDelete: first === undefined ? "" : text(first, "on_delete"),
    };
  });
}

function primaryKeyOf(database: SqliteReader, table: string): readonly string[] {
  return database
    .all("SELECT name FROM pragma_table_xinfo(?) WHERE pk > 0 ORDER BY pk", table)
    .map((row) => text(row, "name"));
}

function text(row: SqliteRow, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : "";
}
