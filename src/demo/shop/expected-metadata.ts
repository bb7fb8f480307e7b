import type { DatabaseMetadata, TableMetadata } from "../metadata.ts";
import { SHOP_TABLES, SHOP_VIEWS, type TableDefinition, type ViewDefinition } from "./definition.ts";
import { shopRows, shopViewRowCounts } from "./rows.ts";

/** What a right ingestion of the shop finds, worked out from the definitions and rows without asking the database. */
export function expectedShopMetadata(): DatabaseMetadata {
  const rows = shopRows();
  const viewCounts = shopViewRowCounts(rows);
  const tables = SHOP_TABLES.map((table) => expectedTable(table, rows[table.name]?.length ?? 0));
  const views = SHOP_VIEWS.map((view) => expectedView(view, viewCounts[view.name] ?? 0));
  return { serviceType: "SQLite", schema: "main", tables: [...tables, ...views].sort(byName) };
}

function expectedTable(table: TableDefinition, rowCount: number): TableMetadata {
  const single = table.columns.filter((column) => column.unique === true).map((column) => [column.name]);
  return {
    name: table.name,
    tableType: "Regular",
    columns: table.columns.map(({ name, type, nullable, fallback }) => ({
      name,
      dataType: type,
      nullable: nullable === true,
      ...(fallback === undefined ? {} : { defaultValue: fallback }),
    })),
    primaryKey: table.primaryKey,
    uniqueKeys: (table.uniqueTogether === undefined ? single : [...single, table.uniqueTogether]).toSorted(),
    foreignKeys: table.references.map(({ column, table: referencedTable, target, onDelete }) => ({
      columns: [column],
      referencedTable,
      referencedColumns: [target],
      onDelete,
    })),
    indexes: table.index === undefined ? [] : [{ ...table.index, unique: false }],
    rowCount,
  };
}

function expectedView(view: ViewDefinition, rowCount: number): TableMetadata {
  return {
    name: view.name,
    tableType: "View",
    columns: view.columns.map(({ name, type }) => ({ name, dataType: type ?? "UNKNOWN", nullable: true })),
    primaryKey: [],
    uniqueKeys: [],
    foreignKeys: [],
    indexes: [],
    rowCount,
  };
}

function byName(a: TableMetadata, b: TableMetadata): number {
  return a.name < b.name ? -1 : 1;
}
