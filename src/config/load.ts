import { CodedError } from "../base/errors.ts";
import { CONFIG_ERRORS } from "./errors.ts";
import { flagOf, SETTING_KEYS, SETTINGS, type Settings } from "./settings.ts";

/** Where values come from, in falling precedence. Empty texts count as not set (facts: collate-hybrid-runner §3 rule 5). */
export interface Sources {
  /** By flag name without dashes. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The parsed configuration file: a mapping by setting key, or undefined when there is none. */
  readonly file?: unknown;
}

/** Settings, with where each came from and what a person should know about it. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** By setting: `flag --x`, `variable X`, `file`, `default`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly warnings: readonly string[];
}

interface Found {
  readonly text: string;
  readonly name: string;
  readonly origin: string;
}

/**
 * Flags before environment before file before defaults; a pure function of its sources.
 * @throws CodedError ConfigInvalid that lists every problem at once, each with the name that was used
 */
export function loadSettings(sources: Sources): LoadedSettings {
  const problems: string[] = [];
  const warnings: string[] = [];
  const values: Record<string, unknown> = {};
  const origins: Record<string, string> = {};
  const file = fileEntries(sources.file, problems);
  for (const key of SETTING_KEYS) {
    const row = SETTINGS[key];
    const found = find(key, sources, file, warnings);
    origins[key] = found?.origin ?? "default";
    if (found === undefined && row.fallback === undefined)
      problems.push(`${row.variables[0]} is missing: ${row.meaning}`);
    else values[key] = found === undefined ? row.fallback?.() : read(found, row.parse, problems);
  }
  problems.push(...contradictions(values as unknown as Settings, origins));
  if (problems.length > 0) {
    throw new CodedError(
      CONFIG_ERRORS.ConfigInvalid,
      `Cannot use the configuration: ${problems.length} problem(s)\n  - ${problems.join("\n  - ")}`,
    );
  }
  const settings = values as unknown as Settings;
  if (settings.serverUrl.startsWith("ws:"))
    warnings.push("SERVER_URL asks for a connection without TLS: the token travels readable");
  return { settings, origins: origins as LoadedSettings["origins"], warnings };
}

function find(
  key: keyof Settings,
  sources: Sources,
  file: ReadonlyMap<string, string>,
  warnings: string[],
): Found | undefined {
  const flag = sources.flags[flagOf(key)];
  if (flag !== undefined && flag !== "")
    return { text: flag, name: `--${flagOf(key)}`, origin: `flag --${flagOf(key)}` };
  const variables = SETTINGS[key].variables;
  const set = variables.filter((name) => (sources.environment[name] ?? "") !== "");
  const [name, ...others] = set;
  if (name !== undefined) {
    const text = sources.environment[name] ?? "";
    if (name !== variables[0]) warnings.push(`${name} is an old name: use ${variables[0]}`);
    const losers = others.filter((other) => sources.environment[other] !== text);
    if (losers.length > 0) warnings.push(`${name} wins over ${losers.join(", ")}, which differ`);
    return { text, name, origin: `variable ${name}` };
  }
  const entry = file.get(key);
  return entry === undefined || entry === "" ? undefined : { text: entry, name: key, origin: "file" };
}

function read(found: Found, parse: (text: string) => unknown, problems: string[]): unknown {
  try {
    return parse(found.text);
  } catch (error) {
    problems.push(`${found.name} must be ${(error as Error).message}`);
    return undefined;
  }
}

/** Entries of the file as texts, so that one parser serves all sources; lists and mappings travel as JSON. */
function fileEntries(file: unknown, problems: string[]): ReadonlyMap<string, string> {
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

/** What each setting alone can't see; told together with what is wrong in the single ones. */
function contradictions(settings: Settings, origins: Readonly<Record<string, string>>): string[] {
  const problems: string[] = [];
  if (origins["authToken"] === "default" && origins["authTokenFile"] === "default") {
    problems.push("AUTH_TOKEN or AUTH_TOKEN_FILE is missing: the token shown to the gateway");
  }
  if (
    settings.secretsManager === "file" &&
    (origins["secretsDirectory"] === "default") === (origins["secretsFile"] === "default")
  ) {
    problems.push("SECRETS_MANAGER=file needs exactly one of SECRETS_DIRECTORY and SECRETS_FILE");
  }
  if (settings.executorType === "process" && origins["ingestionCommand"] === "default") {
    problems.push("INGESTION_COMMAND is missing: the process executor has to know which program to start");
  }
  return problems;
}
