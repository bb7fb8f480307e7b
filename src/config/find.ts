import { nearName } from "../base/near-name.ts";
import { isOldName } from "./settings/generations.ts";
import type { SettingRow } from "./settings/row.ts";
import { flagIn, type SettingTable, variablesIn } from "./table.ts";

/** Where values come from, in falling precedence. Empty texts count as not set (facts: collate-hybrid-runner §3 rule 5). */
export interface Sources {
  /** By flag name without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The parsed configuration file: a mapping by setting key, or undefined when there is none. */
  readonly file?: unknown;
}

/** The text of a setting, the name it was found under, and where that was. */
export interface Found {
  readonly text: string;
  readonly name: string;
  readonly origin: string;
}

/** Kubernetes sets such values for each Service of the namespace: one named `metrics-server` makes METRICS_SERVER_PORT. */
const SERVICE_LINK = /^(?:tcp|udp|sctp):\/\/[^/]*:\d+$/;

/** Looks a setting up; names that are old, and values that lose against others, become warnings. */
export function find(
  table: SettingTable,
  key: string,
  row: SettingRow<unknown>,
  sources: Sources,
  file: ReadonlyMap<string, string>,
  warnings: string[],
): Found | undefined {
  const flagName = flagIn(table, row);
  const flag = sources.flags[flagName];
  if (flag !== undefined && flag !== "") return { text: flag, name: `--${flagName}`, origin: `flag --${flagName}` };
  const { variables } = row;
  const [name, ...others] = variables.filter((candidate) => isSet(sources.environment[candidate]));
  if (name !== undefined) {
    const text = sources.environment[name] ?? "";
    if (isOldName(name, variables[0])) warnings.push(`${name} is an old name: use ${variables[0]}`);
    const losers = others.filter((other) => sources.environment[other] !== text);
    if (losers.length > 0) warnings.push(`${name} wins over ${losers.join(", ")}, which differ`);
    return { text, name, origin: `variable ${name}` };
  }
  const entry = file.get(key);
  return entry === undefined || entry === "" ? undefined : { text: entry, name: key, origin: "file" };
}

/** Entries of the file as texts, so that one parser serves all sources; lists and mappings travel as JSON. */
export function fileEntries(table: SettingTable, file: unknown, problems: string[]): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  if (file === undefined || file === null) return entries;
  if (typeof file !== "object" || Array.isArray(file)) {
    problems.push("the configuration file must be a mapping of settings");
    return entries;
  }
  for (const [key, value] of Object.entries(file)) {
    if (!Object.hasOwn(table.rows, key))
      problems.push(`${key} in the configuration file is not a setting${meantKey(table, key)}`);
    else if (value !== null) entries.set(key, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return entries;
}

/** The file has each setting by its key; whoever copies an environment writes the variable. */
function meantKey(table: SettingTable, written: string): string {
  const variables = variablesIn(table);
  const key = variables.get(written) ?? nearName(written, Object.keys(table.rows));
  const variable = key === undefined ? nearName(written, variables.keys()) : undefined;
  const meant = key ?? (variable === undefined ? undefined : variables.get(variable));
  return meant === undefined ? "" : `: write ${meant}`;
}

/** Belong to others: secrets, and the gateway's settings, which tells its own. */
const OTHERS = /^HYBRID_RUNNER_(?:SECRET|GATEWAY)_/;

/**
 * A misspelt variable is ignored, so it is told, also where the one that was meant is set: which of the two values counts is what
 * somebody will wonder about. `ownPrefix` begins the names of variables that hold secrets, and those are anybody's choice.
 */
export function misspeltVariables(
  table: SettingTable,
  environment: Sources["environment"],
  ownPrefix: string | undefined,
): readonly string[] {
  const variables = variablesIn(table);
  const known = [...variables.keys(), table.fileVariable];
  return Object.keys(environment).flatMap((name) => {
    if (OTHERS.test(name) || variables.has(name) || !isSet(environment[name])) return [];
    if (ownPrefix !== undefined && name.startsWith(ownPrefix)) return [];
    // `HYBRID_RUNNER_AGENT_ID` is how other programs would have it.
    const bare = name.replace(/^HYBRID_RUNNER_/, "");
    const meant = bare !== name && known.includes(bare) ? bare : nearName(bare, known);
    return meant === undefined ? [] : [`${name} is not a setting and changes nothing: ${meant} is meant, perhaps`];
  });
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && !SERVICE_LINK.test(value);
}
