import { flagOfRow } from "../config/read.ts";
import { RUNNER_SETTINGS, SLICES } from "../config/settings.ts";
import { flagIn } from "../config/table.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import type { FlagGroup } from "./command.ts";

/** Names the file that settings are read from. */
export const CONFIG_FLAG: FlagTable = {
  config: { type: "string", value: "FILE", meaning: "settings from this YAML file (or CONFIG_FILE)" },
};

/** Every setting of the runner as a flag, in the parts in which they are documented. */
export function settingFlags(): readonly FlagGroup[] {
  return SLICES.map(({ title, rows }) => ({
    title,
    flags: Object.fromEntries(Object.values(rows).map((row) => [flagIn(RUNNER_SETTINGS, row), flagOfRow(row)])),
  }));
}
