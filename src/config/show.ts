import { Sensitive } from "../base/sensitive.ts";
import type { Evaluation, Sources } from "./load.ts";
import { defaultDataDirectory } from "./read.ts";
import { SETTING_KEYS, SETTINGS, type SettingRow } from "./settings.ts";

/** One setting as people may see it: secrets are not in it. */
export interface ShownSetting {
  /** Its newest variable. */
  readonly name: string;
  readonly setting: string;
  /** As JSON would have it; null when there is none. */
  readonly value: unknown;
  readonly text: string;
  readonly origin: string;
}

const REDACTED = "[redacted]";

/** Every setting with its value and where that is from, also when some are missing or wrong. */
export function showSettings({ values, origins }: Evaluation, { environment }: Sources): readonly ShownSetting[] {
  const complete = { ...values, dataDirectory: values.dataDirectory ?? defaultDataDirectory(environment) };
  return SETTING_KEYS.map((key) => {
    const row: SettingRow<unknown> = SETTINGS[key];
    const value = redact(complete[key], row.secret);
    return { name: row.variables[0], setting: key, value: value ?? null, text: textOf(value), origin: origins[key] };
  });
}

function redact(value: unknown, secret: SettingRow<unknown>["secret"]): unknown {
  if (value === undefined) return undefined;
  if (secret === "value" || value instanceof Sensitive) return REDACTED;
  if (secret === "values" && typeof value === "object" && value !== null)
    return Object.fromEntries(Object.keys(value).map((name) => [name, REDACTED]));
  return value;
}

function textOf(value: unknown): string {
  if (value === undefined || value === "") return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}
