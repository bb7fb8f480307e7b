import { createSqliteFile } from "../../runtime/sqlite-create.ts";
import { type ColumnDefinition, SHOP_TABLES, SHOP_VIEWS, type TableDefinition } from "./definition.ts";
import { shopRows } from "./rows.ts";

/** Makes the shop as a real SQLite file at `path`, which must not exist yet. */
export function createShopDatabase(path: string): void {
  const rows = shopRows();
  const views = SHOP_VIEWS.map((view) => `CREATE VIEW ${view.name} AS ${view.query}`);
  const contents = SHOP_TABLES.map((table) => ({
    insert: `INSERT INTO ${table.name} VALUES (${table.columns.map(() => "?").join(", ")})`,
    rows: rows[table.name] ?? [],
  }));
  createSqliteFile(path, [...SHOP_TABLES.flatMap(tableStatements), ...views], contents);
}

/** The connection string that names a database file, as SQLAlchemy writes them; special characters of the path are escaped. */
export function connectionString(path: string): string {
  return `sqlite://${path.split("/").map(encodeURIComponent).join("/")}`;
}

function tableStatements(table: TableDefinition): string[] {
  const lines = [
    ...table.columns.map(columnText),
    `PRIMARY KEY (${table.primaryKey.join(", ")})`,
    ...(table.uniqueTogether === undefined ? [] : [`UNIQUE (${table.uniqueTogether.join(", ")})`]),
    ...table.references.map(
      ({ column, table: other, target, onDelete }) =>
        `FOREIGN KEY (${column}) REFERENCES ${other} (${target}) ON DELETE ${onDelete}`,
    ),
  ];
  const index = table.index && `CREATE INDEX ${table.index.name} ON ${table.name} (${table.index.columns.join(", ")})`;
  return [`CREATE TABLE ${table.name} (${lines.join(", ")})`, ...(index === undefined ? [] : [index])];
}

function columnText(column: ColumnDefinition): string {
  const parts = [column.name, column.type];
  if (column.nullable !== true) parts.push("NOT NULL");
  if (column.fallback !== undefined) parts.push(`DEFAULT ${column.fallback}`);
  if (column.unique === true) parts.push("UNIQUE");
  return parts.join(" ");
}
