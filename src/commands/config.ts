import { exposures } from "../config/exposure.ts";
import { evaluateSettings } from "../config/load.ts";
import { readSources } from "../config/read.ts";
import { type ShownSetting, showSettings } from "../config/show.ts";
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
  const { sources, configFile, values } = await readSources(args, flags);
  const evaluation = evaluateSettings(sources);
  const { problems } = evaluation;
  const warnings = [...evaluation.warnings, ...(await exposures(evaluation, sources, configFile))];
  const shownSettings = showSettings(evaluation, sources);
  const shown =
    values["json"] === true
      ? `${JSON.stringify({ settings: shownSettings, warnings, problems }, undefined, 2)}\n`
      : asText(shownSettings, warnings, problems);
  await writeOut(shown);
  return problems.length === 0 ? 0 : 2;
}

function asText(settings: readonly ShownSetting[], warnings: readonly string[], problems: readonly string[]): string {
  const names = Math.max(...settings.map(({ name }) => name.length));
  const values = Math.min(48, Math.max(...settings.map(({ text }) => text.length)));
  const rows = settings.map(({ name, text, origin }) => `${name.padEnd(names)}  ${text.padEnd(values)}  ${origin}`);
  return [...rows, ...listed("warnings", warnings), ...listed("problems", problems)].map((row) => `${row}\n`).join("");
}

function listed(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : ["", `${lines.length} ${title}:`, ...lines.map((line) => `  - ${line}`)];
}
