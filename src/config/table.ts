import type { SettingRow } from "./settings/row.ts";

/** All settings of one role of this program. */
export interface SettingTable {
  /** By their names in the configuration file. */
  readonly rows: Readonly<Record<string, SettingRow<unknown>>>;
  /** What all its variables begin with; its flags leave that out. */
  readonly prefix: string;
  /** The variable that names its configuration file. */
  readonly fileVariable: string;
  /** The page that lists what each accepts. */
  readonly page: string;
}

/** The flag of a setting, without dashes: its first variable in kebab-case. */
export function flagIn({ prefix }: Pick<SettingTable, "prefix">, { variables }: SettingRow<unknown>): string {
  return variables[0].slice(prefix.length).toLowerCase().replaceAll("_", "-");
}

/** Every variable of a role, each with the setting it is of. */
export function variablesIn({ rows }: SettingTable): ReadonlyMap<string, string> {
  return new Map(Object.entries(rows).flatMap(([key, row]) => row.variables.map((name) => [name, key] as const)));
}
