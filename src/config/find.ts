import { isOldName } from "./settings/generations.ts";
import { flagOf, SETTINGS, type Settings } from "./settings.ts";

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
  key: keyof Settings,
  sources: Sources,
  file: ReadonlyMap<string, string>,
  warnings: string[],
): Found | undefined {
  const flag = sources.flags[flagOf(key)];
  if (flag !== undefined && flag !== "")
    return { text: flag, name: `--${flagOf(key)}`, origin: `flag --${flagOf(key)}` };
  const variables = SETTINGS[key].variables;
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
export function fileEntries(file: unknown, problems: string[]): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  if (file === undefined || file === null) return entries;
  if (typeof file !== "object" || Array.isArray(file)) {
    problems.push("the configuration file must be a mapping of settings");
    return entries;
  }
  for (const [key, value] of Object.entries(file)) {
    if (!Object.hasOwn(SETTINGS, key)) problems.push(`${key} in the configuration file is not a setting`);
    else if (value !== null) entries.set(key, typeof value === "object" ? JSON.stringify(value) : String(value));
  }
  return entries;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && value !== "" && !SERVICE_LINK.test(value);
}
