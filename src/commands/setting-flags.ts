import { flagOf, SETTING_KEYS, SETTINGS, SLICES } from "../config/settings.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import type { FlagGroup } from "./command.ts";

/** Names the file that settings are read from. */
export const CONFIG_FLAG: FlagTable = {
  config: { type: "string", value: "FILE", meaning: "settings from this YAML file (or CONFIG_FILE)" },
};

/** Every setting of the runner as a flag, in the parts in which they are documented. */
export function settingFlags(): readonly FlagGroup[] {
  return SLICES.map(({ title, rows }) => {
    const keys = SETTING_KEYS.filter((key) => Object.hasOwn(rows, key));
    return { title, flags: Object.fromEntries(keys.map((key) => [flagOf(key), flagFor(key)])) };
  });
}

function flagFor(key: (typeof SETTING_KEYS)[number]) {
  const { variables, meaning } = SETTINGS[key];
  return { type: "string", meaning: `${meaning} (${variables.join(", ")})` } as const;
}
