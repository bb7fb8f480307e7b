import { PROTOCOL_VERSIONS } from "../protocol/version.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { isSingleExecutable, platformText, writeOut } from "../runtime/system.ts";
import { VERSION } from "../version.ts";

export const flags: FlagTable = {
  json: { type: "boolean", meaning: "for programs: version, protocol versions, platform" },
};

/** `hybrid-runner version [--json]` */
export async function run(args: readonly string[]): Promise<number> {
  const { values } = parseArguments(args, flags);
  const facts = {
    version: VERSION,
    protocolVersions: PROTOCOL_VERSIONS,
    platform: platformText(),
    singleExecutable: isSingleExecutable(),
  };
  if (values["json"] === true) await writeOut(`${JSON.stringify(facts)}\n`);
  else await writeOut(`hybrid-runner ${VERSION} (${facts.platform})\n`);
  return 0;
}
