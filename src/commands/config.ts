import { CodedError } from "../base/errors.ts";
import { exposures } from "../config/exposure.ts";
import { evaluateSettings } from "../config/load.ts";
import { readSources } from "../config/read.ts";
import { type ShownSetting, showSettings } from "../config/show.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { writeOut } from "../runtime/system.ts";

/** `hybrid-runner config show [--json] [flags of run]`: what the runner would work with, and what is wrong with it. Exit code 2 when it could not start. */
export async function run(args: readonly string[]): Promise<number> {
  const [action, ...rest] = args;
  if (action !== "show") {
    const found = action === undefined ? "no action was named" : `there is no action ${JSON.stringify(action)}`;
    throw new CodedError(RUNTIME_ERRORS.UsageError, `Cannot do anything with the configuration: ${found}`, {
      advice: "Write: hybrid-runner config show [--json]",
    });
  }
  const { sources, configFile, values } = await readSources(rest, { json: { type: "boolean" } });
  const evaluation = evaluateSettings(sources);
  const { problems } = evaluation;
  const warnings = [...evaluation.warnings, ...(await exposures(evaluation, sources, configFile))];
  const settings = showSettings(evaluation, sources);
  const shown =
    values["json"] === true
      ? `${JSON.stringify({ settings, warnings, problems }, undefined, 2)}\n`
      : asText(settings, warnings, problems);
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
