import { clip } from "../base/clip.ts";
import type { TableMetadata } from "./metadata.ts";

const HEADINGS = ["name", "kind", "columns", "keys", "rows"];
/** Widest cell, in characters, so that the table fits a terminal. */
const WIDEST = 52;

/** Draws discovered tables as lines of text: name, kind, number of columns, keys and rows. */
export function drawMetadata(tables: readonly TableMetadata[]): readonly string[] {
  const rows = tables.map((table) => [
    table.name,
    table.tableType === "View" ? "view" : "table",
    String(table.columns.length),
    shorten(describeKeys(table)),
    String(table.rowCount),
  ]);
  const widths = HEADINGS.map((heading, at) => Math.max(heading.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string => {
    const padded = cells.map((cell, at) => {
      const width = widths[at] ?? 0;
      return HEADINGS[at] === "columns" || HEADINGS[at] === "rows" ? cell.padStart(width) : cell.padEnd(width);
    });
    return padded.join("  ").trimEnd();
  };
  return [line(HEADINGS), widths.map((width) => "─".repeat(width)).join("  "), ...rows.map(line)];
}

function describeKeys(table: TableMetadata): string {
  const parts = table.primaryKey.length > 0 ? [`pk ${table.primaryKey.join("+")}`] : [];
  parts.push(...table.foreignKeys.map((key) => `→ ${key.referencedTable}`));
  parts.push(...table.uniqueKeys.map((key) => `unique ${key.join("+")}`));
  return parts.join(", ");
}

function shorten(text: string): string {
  return clip(text, WIDEST);
}
