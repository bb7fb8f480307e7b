import { nearName } from "../base/near-name.ts";
import { evaluateTable, type TableEvaluation } from "../config/evaluate-table.ts";
import type { Sources } from "../config/find.ts";
import { configInvalid } from "../config/load.ts";
import { flagsOf, readSources } from "../config/read.ts";
import { stateDirectory } from "../config/state-directory.ts";
import { flagIn, variablesIn } from "../config/table.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { joinPath } from "../runtime/files.ts";
import { environment } from "../runtime/system.ts";
import { ADMIN_TOKEN_FILE } from "./auth/admin-token.ts";
import { GATEWAY_SETTINGS, type GatewaySettings } from "./settings.ts";

/** What the gateway works with: its settings, and where they leave a place open, the usual one. */
export interface GatewayConfig extends GatewaySettings {
  readonly dataDirectory: string;
  readonly storeKeyFile: string;
}

/** Flags of the gateway's command line. */
export const GATEWAY_FLAGS: FlagTable = {
  ...flagsOf(GATEWAY_SETTINGS),
  json: { type: "boolean", meaning: "the log as lines of JSON" },
};

/** The flag of a setting, without dashes. */
export function gatewayFlag(key: keyof GatewaySettings): string {
  return flagIn(GATEWAY_SETTINGS, GATEWAY_SETTINGS.rows[key]);
}

/** The environment variable of a setting. */
export function gatewayVariable(key: keyof GatewaySettings): string {
  return GATEWAY_SETTINGS.rows[key].variables[0];
}

/**
 * Reads the gateway's settings from its command line, environment and file (`--config` or HYBRID_RUNNER_GATEWAY_CONFIG_FILE):
 * flags before variables before the file before defaults.
 * @throws CodedError UsageError for a flag that doesn't exist; ConfigInvalid that lists every other problem at once
 */
export async function readGatewayConfig(
  args: readonly string[],
  variables: Sources["environment"] = environment(),
): Promise<GatewayConfig> {
  const { sources, values } = await readSources(args, GATEWAY_FLAGS, GATEWAY_SETTINGS, variables);
  const evaluation = evaluateGatewaySettings(sources);
  if (evaluation.problems.length > 0) throw configInvalid(evaluation.problems, GATEWAY_SETTINGS);
  const config = evaluation.values as unknown as GatewayConfig;
  return values["json"] === true ? { ...config, logFormat: "json" } : config;
}

/** Every setting with what is wrong; what was left open is filled in. */
export function evaluateGatewaySettings(sources: Sources): TableEvaluation {
  const read = evaluateTable(GATEWAY_SETTINGS, sources);
  const values = read.values as Partial<GatewaySettings>;
  const origins = { ...read.origins };
  const complete: Record<string, unknown> = { ...values };
  if (origins["dataDirectory"] === "default") {
    const variable = gatewayVariable("dataDirectory");
    complete["dataDirectory"] = stateDirectory(sources.environment, "hybrid-runner-gateway", variable);
  }
  const { dataDirectory } = complete;
  const place = (key: "storeKeyFile" | "adminTokenFile", name: string): void => {
    if (origins[key] !== "default" || typeof dataDirectory !== "string") return;
    complete[key] = joinPath(dataDirectory, name);
    origins[key] = `worked out: in ${gatewayVariable("dataDirectory")}`;
  };
  place("storeKeyFile", "store.key");
  if (origins["adminToken"] === "default") place("adminTokenFile", ADMIN_TOKEN_FILE);
  else if (origins["adminTokenFile"] === "default")
    origins["adminTokenFile"] = `worked out: ${origins["adminToken"]} is set`;
  return {
    ...read,
    values: complete,
    origins,
    problems: [...read.problems, ...unknownVariables(sources.environment), ...contradictions(values)],
  };
}

/** A misspelt variable would otherwise be ignored in silence, be it misspelt in what all of them begin with. */
function unknownVariables(variables: Sources["environment"]): string[] {
  const { prefix, fileVariable } = GATEWAY_SETTINGS;
  const known = new Set([...variablesIn(GATEWAY_SETTINGS).keys(), fileVariable]);
  return Object.entries(variables)
    .filter(([name, text]) => !known.has(name) && !isServiceLink(name, text))
    .flatMap(([name, text]) => {
      const meant = nearName(name, known);
      if (!name.startsWith(prefix) && (meant === undefined || text === "")) return [];
      return [`${name} is not a setting of the gateway${meant === undefined ? "" : `: write ${meant}`}`];
    });
}

/**
 * Kubernetes gives every pod variables for each Service of its namespace; those of a Service that is named
 * `hybrid-runner-gateway` begin like our own, and one of them is `HYBRID_RUNNER_GATEWAY_PORT=tcp://…`.
 */
function isServiceLink(name: string, text: string | undefined): boolean {
  if (/_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name)) return true;
  return name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(text ?? "");
}

function contradictions(settings: Partial<GatewaySettings>): string[] {
  const name = (key: keyof GatewaySettings): string => `--${gatewayFlag(key)} (${gatewayVariable(key)})`;
  const problems: string[] = [];
  if ((settings.tlsCertFile === undefined) !== (settings.tlsKeyFile === undefined)) {
    problems.push(`${name("tlsCertFile")} and ${name("tlsKeyFile")} belong together: one of them is missing`);
  }
  if (settings.adminToken !== undefined && settings.adminTokenFile !== undefined) {
    problems.push(`${gatewayVariable("adminToken")} and ${name("adminTokenFile")} exclude each other`);
  }
  return problems;
}
