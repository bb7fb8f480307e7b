import type { JsonObject } from "../protocol/messages.ts";

/** Where a workflow's configuration holds the token its program signs in to OpenMetadata with (facts: openmetadata-contract §2.4, §5). */
const PATHS = [
  ["workflowConfig", "openMetadataServerConfig", "securityConfig", "jwtToken"],
  ["openMetadataServerConnection", "securityConfig", "jwtToken"],
] as const;

/** The bot tokens of a configuration, which whoever may read a run's log need not know. */
export function botTokens(config: JsonObject | undefined): readonly string[] {
  return PATHS.flatMap((path) => {
    const found = path.reduce<unknown>((value, name) => (isRecord(value) ? value[name] : undefined), config);
    return typeof found === "string" && found !== "" ? [found] : [];
  });
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}
