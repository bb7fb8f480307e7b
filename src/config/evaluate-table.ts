import { fileEntries, find, type Sources } from "./find.ts";
import { parseSetting } from "./parse-setting.ts";
import type { SettingTable } from "./table.ts";

/** Settings as far as they can be told: those that are missing or wrong have no value. */
export interface TableEvaluation {
  readonly values: Readonly<Record<string, unknown>>;
  /** By setting: `flag --x`, `variable X`, `file`, `default`, `missing`. */
  readonly origins: Readonly<Record<string, string>>;
  /** By setting: the name it was found under, or would be. */
  readonly names: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

/** Reads every setting of a table, each by itself: flags before environment before file before defaults. */
export function evaluateTable(table: SettingTable, sources: Sources): TableEvaluation {
  const problems: string[] = [];
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const names: Record<string, string> = {};
  const file = fileEntries(table, sources.file, problems);
  for (const [key, row] of Object.entries(table.rows)) {
    const found = find(table, key, row, sources, file, warnings);
    origins[key] = found?.origin ?? "default";
    names[key] = found?.name ?? row.variables[0];
    if (found !== undefined) {
      const before = problems.length;
      const value = parseSetting<unknown>(found, row, problems);
      if (problems.length === before) values[key] = value;
    } else if (row.fallback !== undefined) values[key] = row.fallback();
    else {
      origins[key] = "missing";
      problems.push(`${names[key]} is missing: ${row.meaning}`);
    }
  }
  return { values, origins, names, warnings, problems };
}
