import { readSources } from "../config/read.ts";
import { showAsText, showSettings } from "../config/show.ts";
import { evaluateGatewaySettings, GATEWAY_FLAGS } from "../gateway/config.ts";
import { GATEWAY_SETTINGS } from "../gateway/settings.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { writeOut } from "../runtime/system.ts";

/** Those of `gateway`: they may be given here too, to see what they would do. */
export const flags: FlagTable = {
  ...GATEWAY_FLAGS,
  json: { type: "boolean", meaning: "for programs: settings, warnings and problems" },
};

/** `hybrid-runner gateway config show`: what the gateway would work with, and what is wrong with it. Exit code 2 when it could not start. */
export async function run(args: readonly string[]): Promise<number> {
  const { sources, values } = await readSources(args, flags, GATEWAY_SETTINGS);
  const evaluation = evaluateGatewaySettings(sources);
  const { warnings, problems } = evaluation;
  const settings = showSettings(GATEWAY_SETTINGS, evaluation);
  await writeOut(
    values["json"] === true
      ? `${JSON.stringify({ settings, warnings, problems }, undefined, 2)}\n`
      : showAsText(settings, warnings, problems),
  );
  return problems.length === 0 ? 0 : 2;
}
