import { exposures } from "../config/exposure.ts";
import { evaluateSettings } from "../config/load.ts";
import { defaultDataDirectory, readSources } from "../config/read.ts";
import { RUNNER_SETTINGS } from "../config/settings.ts";
import { showAsText, showSettings } from "../config/show.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { writeOut } from "../runtime/system.ts";
import type { FlagGroup } from "./command.ts";
import { CONFIG_FLAG, settingFlags } from "./setting-flags.ts";

/** Beside those that are settings. */
export const flags: FlagTable = {
  json: { type: "boolean", meaning: "for programs: settings, warnings and problems" },
  ...CONFIG_FLAG,
};

/** Those of `run`: they may be given here too, to see what they would do. */
export const settings: readonly FlagGroup[] = settingFlags();

/** `hybrid-runner config show [--json] [flags of run]`: what the runner would work with, and what is wrong with it. Exit code 2 when it could not start. */
export async function run(args: readonly string[]): Promise<number> {
  const { sources, configFile, values: asked } = await readSources(args, flags);
  const evaluation = evaluateSettings(sources);
  const { problems } = evaluation;
  const warnings = [...evaluation.warnings, ...(await exposures(evaluation, sources, configFile))];
  const values =
    evaluation.origins.dataDirectory === "default"
      ? { ...evaluation.values, dataDirectory: defaultDataDirectory(sources.environment) }
      : evaluation.values;
  const shown = showSettings(RUNNER_SETTINGS, { ...evaluation, values });
  await writeOut(
    asked["json"] === true
      ? `${JSON.stringify({ settings: shown, warnings, problems }, undefined, 2)}\n`
      : showAsText(shown, warnings, problems),
  );
  return problems.length === 0 ? 0 : 2;
}
