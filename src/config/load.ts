import { counted } from "../base/counted.ts";
import { CodedError } from "../base/errors.ts";
import { proxyProblem } from "../runtime/proxy-environment.ts";
import { contradictions, remarks } from "./contradictions.ts";
import { CONFIG_ERRORS } from "./errors.ts";
import { evaluateTable } from "./evaluate-table.ts";
import { misspeltVariables, type Sources } from "./find.ts";
import { RUNNER_SETTINGS, type Settings } from "./settings.ts";
import type { SettingTable } from "./table.ts";
import { workOut } from "./work-out.ts";

export type { Sources } from "./find.ts";

/** Settings, with where each came from and what a person should know about it. */
export interface LoadedSettings {
  readonly settings: Settings;
  /** By setting: `flag --x`, `variable X`, `file`, `default`, or `worked out: why`. */
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly warnings: readonly string[];
}

/** Settings as far as they can be told, also when some are missing or wrong: those have no value. */
export interface Evaluation {
  readonly values: Partial<Settings>;
  readonly origins: Readonly<Record<keyof Settings, string>>;
  readonly warnings: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Flags before environment before file before defaults; a pure function of its sources.
 * @throws CodedError ConfigInvalid that lists every problem at once, each with the name that was used
 */
export function loadSettings(sources: Sources): LoadedSettings {
  const { values, origins, warnings, problems } = evaluateSettings(sources);
  if (problems.length > 0) throw configInvalid(problems);
  return { settings: values as Settings, origins, warnings };
}

/** The error that tells all that is wrong at once. */
export function configInvalid(
  problems: readonly string[],
  { page }: Pick<SettingTable, "page"> = RUNNER_SETTINGS,
): CodedError {
  return new CodedError(
    CONFIG_ERRORS.ConfigInvalid,
    `Cannot use the configuration: ${counted(problems.length, "problem")}\n  - ${problems.join("\n  - ")}`,
    { advice: `Correct every setting named here; ${page} lists what each accepts` },
  );
}

/** As `loadSettings`, but tells what is wrong instead of throwing. */
export function evaluateSettings(sources: Sources): Evaluation {
  const { names, ...read } = evaluateTable(RUNNER_SETTINGS, sources);
  const values: Record<string, unknown> = { ...read.values };
  const origins: Record<string, string> = { ...read.origins };
  workOut(values, origins, sources.environment);
  const judged = { values: values as Partial<Settings>, origins: origins as Evaluation["origins"], names };
  return {
    values: judged.values,
    origins: judged.origins,
    warnings: [
      ...read.warnings,
      ...remarks(judged),
      ...misspeltVariables(RUNNER_SETTINGS, sources.environment, judged.values.secretsEnvPrefix),
    ],
    problems: [
      ...read.problems,
      ...contradictions(judged),
      ...wayOutProblems(judged.values.serverUrl, sources.environment),
    ],
  };
}

/** The proxy's own variables are no settings of ours, but without a usable one the gateway is out of reach. */
function wayOutProblems(serverUrl: string | undefined, environment: Sources["environment"]): readonly string[] {
  const problem = serverUrl === undefined ? undefined : proxyProblem(new URL(serverUrl), environment);
  return problem === undefined ? [] : [problem];
}
