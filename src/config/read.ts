import { isMap, isScalar } from "yaml";
import { CodedError } from "../base/errors.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { absolutePath } from "../runtime/files.ts";
import { readNamedFile } from "../runtime/named-file.ts";
import { environment } from "../runtime/system.ts";
import { CONFIG_ERRORS } from "./errors.ts";
import { exposures } from "./exposure.ts";
import type { Sources } from "./find.ts";
import { configInvalid, type LoadedSettings, loadSettings } from "./load.ts";
import { type PodParameters, readPodParameters } from "./parameter-files.ts";
import { parseSetting } from "./parse-setting.ts";
import { RUNNER_SETTINGS, type SettingRow, type Settings } from "./settings.ts";
import { stateDirectory } from "./state-directory.ts";
import { flagIn, type SettingTable } from "./table.ts";
import { path as pathOf } from "./values.ts";
import { readYaml } from "./yaml-text.ts";

/** Settings with the data directory filled in, and with what stands in files that they name. */
export type CompleteSettings = LoadedSettings & {
  readonly settings: Settings & { readonly dataDirectory: string; readonly podParameters: PodParameters };
};

/**
 * Reads the runner's settings from its command line, environment and file (`--config` or CONFIG_FILE).
 * @throws CodedError UsageError, ConfigInvalid
 */
export async function readSettings(args: readonly string[]): Promise<CompleteSettings> {
  const { sources, configFile } = await readSources(args);
  const loaded = loadSettings(sources);
  const exposed = await exposures({ values: loaded.settings, origins: loaded.origins }, sources, configFile);
  const dataDirectory = absolutePath(loaded.settings.dataDirectory ?? defaultDataDirectory(sources.environment));
  const podParameters = await podParametersOf(loaded);
  const warnings = [...loaded.warnings, ...exposed];
  return { ...loaded, warnings, settings: { ...loaded.settings, dataDirectory, podParameters } };
}

/** Parameter files are read only for the executor that makes the pods itself: Argo's have other fields. */
async function podParametersOf({ settings, origins }: LoadedSettings): Promise<PodParameters> {
  if (settings.executorType !== "simpleK8s") return {};
  const nameOf = (key: "containerSpecFilePath" | "workflowSpecFilePath"): string =>
    origins[key].replace(/^(?:variable|flag) /, "").replace(/^file$/, key);
  const { parameters, problems } = await readPodParameters(settings, {
    containerSpecFilePath: nameOf("containerSpecFilePath"),
    workflowSpecFilePath: nameOf("workflowSpecFilePath"),
  });
  if (problems.length === 0) return parameters;
  throw configInvalid(problems);
}

/**
 * Everything that the settings of a table can come from; `more` are flags that aren't settings.
 * @throws CodedError UsageError, ConfigInvalid when the configuration file can't be read
 */
export async function readSources(
  args: readonly string[],
  more: FlagTable = {},
  table: SettingTable = RUNNER_SETTINGS,
  variables: Sources["environment"] = environment(),
): Promise<{
  readonly sources: Sources;
  /** Where the file of the sources is. */
  readonly configFile: string | undefined;
  readonly values: Readonly<Record<string, unknown>>;
}> {
  const { values } = parseArguments(args, { ...flagsOf(table), ...more });
  const flags = values as Readonly<Record<string, string | undefined>>;
  const [path = "", name] =
    flags["config"] === undefined ? [variables[table.fileVariable], table.fileVariable] : [flags["config"], "--config"];
  const file = path === "" ? undefined : await readConfigurationFile(path, name, table);
  const configFile = path === "" ? undefined : path;
  return { sources: { flags, environment: variables, file }, configFile, values };
}

/** A setting as a flag. */
export function flagOfRow({ meaning, variables }: SettingRow<unknown>): FlagTable[string] {
  return { type: "string", meaning: `${meaning} (${variables.join(", ")})` };
}

/** Every flag of a table's settings, and `--config`. */
export function flagsOf(table: SettingTable): FlagTable {
  const own = Object.values(table.rows).filter((row) => row.noFlag !== true);
  const flags = own.map((row) => [flagIn(table, row), flagOfRow(row)] as const);
  const meaning = `settings from this YAML file (or ${table.fileVariable})`;
  return { ...Object.fromEntries(flags), config: { type: "string", value: "FILE", meaning } };
}

async function readConfigurationFile(path: string, name: string, table: Pick<SettingTable, "page">): Promise<unknown> {
  const problems: string[] = [];
  parseSetting({ name, text: path }, { parse: pathOf }, problems);
  if (problems.length > 0) throw configInvalid(problems, table);
  const fail = (state: string): CodedError =>
    new CodedError(CONFIG_ERRORS.ConfigInvalid, `Cannot use the configuration file ${path}: ${state}`, {
      advice: `Correct the file, or name another one with ${name}; ${table.page} has its form`,
    });
  const { text, state } = await readNamedFile(path);
  if (text === undefined) throw fail(`it ${state}`);
  const { contents, value, mistakes } = readYaml(text);
  if (mistakes.length > 0) throw fail(mistakes.join("; "));
  if (!isMap(contents) || !isMapping(value)) return value;
  // Single values as they are written: 007 is no 7, and long digits stay what they are.
  const written = contents.items.flatMap(({ key, value: node }) =>
    isScalar(key) &&
    isScalar(node) &&
    typeof node.value !== "string" &&
    node.value !== null &&
    node.source !== undefined
      ? [[String(key.value), node.source] as const]
      : [],
  );
  return { ...value, ...Object.fromEntries(written) };
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Where the runner's data is kept when nothing is said. @throws CodedError ConfigInvalid when this user has no home directory */
export function defaultDataDirectory(variables: Readonly<Record<string, string | undefined>>): string {
  return stateDirectory(variables, "hybrid-runner", "DATA_DIRECTORY");
}
