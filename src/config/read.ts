import { parse as parseYaml } from "yaml";
import { CodedError, errorCode } from "../base/errors.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { absolutePath, joinPath, readTextIfExists } from "../runtime/files.ts";
import { environment, place } from "../runtime/system.ts";
import { CONFIG_ERRORS } from "./errors.ts";
import { configInvalid, type LoadedSettings, loadSettings, type Sources } from "./load.ts";
import { type PodParameters, readPodParameters } from "./parameter-files.ts";
import { flagOf, SETTING_KEYS, type Settings } from "./settings.ts";

/** Settings with the data directory filled in, and with what stands in files that they name. */
export type CompleteSettings = LoadedSettings & {
  readonly settings: Settings & { readonly dataDirectory: string; readonly podParameters: PodParameters };
};

/**
 * Reads the runner's settings from its command line, environment and file (`--config` or CONFIG_FILE).
 * @throws CodedError UsageError, ConfigInvalid
 */
export async function readSettings(args: readonly string[]): Promise<CompleteSettings> {
  const { sources } = await readSources(args);
  const loaded = loadSettings(sources);
  const dataDirectory = absolutePath(loaded.settings.dataDirectory ?? defaultDataDirectory(sources.environment));
  const podParameters = await podParametersOf(loaded);
  return { ...loaded, settings: { ...loaded.settings, dataDirectory, podParameters } };
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
 * Everything that settings can come from; `more` are flags that aren't settings.
 * @throws CodedError UsageError, ConfigInvalid when the configuration file can't be read
 */
export async function readSources(
  args: readonly string[],
  more: FlagTable = {},
): Promise<{ readonly sources: Sources; readonly values: Readonly<Record<string, unknown>> }> {
  const { values, positionals } = parseArguments(args, { ...flagTable(), ...more });
  if (positionals.length > 0) {
    throw new CodedError(
      CONFIG_ERRORS.ConfigInvalid,
      `Cannot use the configuration: unexpected argument ${JSON.stringify(positionals[0])}`,
    );
  }
  const variables = environment();
  const flags = values as Readonly<Record<string, string | undefined>>;
  const path = flags["config"] ?? variables["CONFIG_FILE"];
  const file = path === undefined || path === "" ? undefined : await readConfigurationFile(path);
  return { sources: { flags, environment: variables, file }, values };
}

function flagTable(): FlagTable {
  const own = SETTING_KEYS.map((key) => [flagOf(key), { type: "string" }] as const);
  return { ...Object.fromEntries(own), config: { type: "string" } };
}

/** The parser's message is dropped on purpose: it quotes lines of the file, and the file may hold a token. */
async function readConfigurationFile(path: string): Promise<unknown> {
  const fail = (state: string): CodedError =>
    new CodedError(CONFIG_ERRORS.ConfigInvalid, `Cannot use the configuration file ${path}: ${state}`);
  let text: string | undefined;
  try {
    text = await readTextIfExists(path);
  } catch (cause) {
    throw fail(`it can't be read (${errorCode(cause) ?? "unknown"})`);
  }
  if (text === undefined) throw fail("there is no such file");
  try {
    return parseYaml(text) as unknown;
  } catch {
    throw fail("it is not YAML");
  }
}

/** Where data is kept when nothing is said. */
export function defaultDataDirectory(variables: Readonly<Record<string, string | undefined>>): string {
  const state = variables["XDG_STATE_HOME"] ?? "";
  return state === "" ? joinPath(place().home, ".local", "state", "hybrid-runner") : joinPath(state, "hybrid-runner");
}
