import { counted } from "../base/counted.ts";
import { Sensitive } from "../base/sensitive.ts";
import type { TableEvaluation } from "./evaluate-table.ts";
import type { SettingRow } from "./settings/row.ts";
import type { SettingTable } from "./table.ts";

/** One setting as people may see it: secrets are not in it. */
export interface ShownSetting {
  /** Its newest variable. */
  readonly name: string;
  readonly setting: string;
  /** As JSON would have it; null when there is none. */
  readonly value: unknown;
  /** For people: the value, or what counts where there is none; `-` where one is missing or wrong. */
  readonly text: string;
  readonly origin: string;
}

const REDACTED = "[redacted]";

/** Every setting with its value and where that is from, also when some are missing or wrong. */
export function showSettings(
  table: SettingTable,
  { values, origins }: Pick<TableEvaluation, "origins"> & { readonly values: object },
): readonly ShownSetting[] {
  const known = values as Readonly<Record<string, unknown>>;
  return Object.entries(table.rows).map(([key, row]) => {
    const value = redact(known[key], row.secret);
    const origin = origins[key] ?? "";
    const text = textOf(value) ?? (Object.hasOwn(known, key) ? unsaid(row, origin) : undefined) ?? "-";
    return { name: row.variables[0], setting: key, value: value ?? null, text, origin };
  });
}

function redact(value: unknown, secret: SettingRow<unknown>["secret"]): unknown {
  if (value === undefined) return undefined;
  if (secret === "value" || value instanceof Sensitive) return REDACTED;
  if (secret === "values" && typeof value === "object" && value !== null)
    return Object.fromEntries(Object.keys(value).map((name) => [name, REDACTED]));
  return value;
}

/** What counts where there is no value. */
function unsaid({ otherwise, absent }: SettingRow<unknown>, origin: string): string | undefined {
  return origin === "default" ? otherwise?.replaceAll("`", "") : absent;
}

function textOf(value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** All of it for a terminal. */
export function showAsText(
  settings: readonly ShownSetting[],
  warnings: readonly string[],
  problems: readonly string[],
): string {
  const names = Math.max(...settings.map(({ name }) => name.length));
  const values = Math.min(48, Math.max(...settings.map(({ text }) => text.length)));
  const rows = settings.map(({ name, text, origin }) => `${name.padEnd(names)}  ${text.padEnd(values)}  ${origin}`);
  return [...rows, ...listed("warning", warnings), ...listed("problem", problems)].map((row) => `${row}\n`).join("");
}

function listed(noun: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", `${counted(lines.length, noun)}:`, ...lines.map((line) => `  - ${line}`)];
}
