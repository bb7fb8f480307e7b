import { CodedError, errorCode } from "../base/errors.ts";
import { isJsonObject, parseExact } from "../base/exact-json.ts";
import { readShape } from "../base/shape.ts";
import { POD_VARIABLES, TERMINATION_LOG } from "../executor/pods/wrapper/wrapper-place.ts";
import type { JsonObject } from "../protocol/messages.ts";
import { readTextIfExists } from "../runtime/files.ts";
import { type SecretsSettings, secretsSettingsShape } from "../secrets/settings.ts";
import { WRAPPER_ERRORS } from "./errors.ts";
import { inheritedEnvironment } from "./inherited-environment.ts";

/** What the pod's manifest asks the wrapper to do. */
export interface PodRequest {
  readonly command: readonly string[];
  /** For the program; the contract's own variables come on top of it. */
  readonly environment: Readonly<Record<string, string>>;
  readonly config: JsonObject;
  readonly pipelineType?: string;
  readonly runId?: string;
  readonly fullyQualifiedName?: string;
  readonly secrets: SecretsSettings;
  readonly graceMs: number;
  readonly timeoutMs?: number;
  readonly maskedVariables: readonly string[];
}

const DEFAULT_GRACE_SECONDS = 30;
/** Longest timer that a runtime has, in seconds. */
const MAX_SECONDS = 2_147_483;

type Variables = Readonly<Record<string, string>>;

/** Where the end statement goes. */
export function terminationLog(environment: Variables): string {
  return environment[POD_VARIABLES.terminationLog] || TERMINATION_LOG;
}

/**
 * Reads `-- PROGRAM ARGUMENT…`, the variables of wrapper-place.ts and the mounted configuration. Messages quote no value.
 * @throws CodedError BadCommand, BadPodSettings, ConfigUnreadable
 */
export async function readPodRequest(args: readonly string[], environment: Variables): Promise<PodRequest> {
  const [dashes, ...command] = args;
  if (dashes !== "--" || command.length === 0 || command[0] === "") {
    throw new CodedError(WRAPPER_ERRORS.BadCommand, "Cannot start a program: there is none behind exec --pod --");
  }
  const { config: _config, pipelineType, pipelineRunId, ingestionPipelineFQN, ...rest } = environment;
  const secrets = readSecretsSettings(environment[POD_VARIABLES.secrets]);
  const timeoutMs = milliseconds(POD_VARIABLES.timeoutSeconds, environment);
  const graceMs = milliseconds(POD_VARIABLES.graceSeconds, environment) ?? DEFAULT_GRACE_SECONDS * 1000;
  return {
    command,
    secrets,
    config: await readConfig(environment[POD_VARIABLES.configFile]),
    environment: inheritedEnvironment(rest, secrets.provider === "env" ? secrets.prefix : undefined),
    graceMs,
    maskedVariables: (environment[POD_VARIABLES.maskedVariables] ?? "").split(",").filter((name) => name !== ""),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(pipelineType === undefined ? {} : { pipelineType }),
    ...(pipelineRunId ? { runId: pipelineRunId } : {}),
    ...(ingestionPipelineFQN ? { fullyQualifiedName: ingestionPipelineFQN } : {}),
  };
}

async function readConfig(path: string | undefined): Promise<JsonObject> {
  if (!path) throw badSettings(`the variable ${POD_VARIABLES.configFile} is not set`);
  const config = parseJson(await readConfigFile(path));
  if (!isJsonObject(config)) {
    throw unreadable(`${path} holds no JSON mapping`);
  }
  return config as JsonObject;
}

async function readConfigFile(path: string): Promise<string> {
  let text: string | undefined;
  try {
    text = await readTextIfExists(path);
  } catch (error) {
    throw unreadable(`the system answers ${errorCode(error) ?? "an unknown error"} for ${path}`);
  }
  if (text === undefined) throw unreadable(`there is no ${path}`);
  return text;
}

function readSecretsSettings(text: string | undefined): SecretsSettings {
  if (!text) throw badSettings(`the variable ${POD_VARIABLES.secrets} is not set`);
  const { value, problems } = readShape(secretsSettingsShape, parseJson(text));
  if (value !== undefined) return value;
  const words = problems.map(({ path, message }) => `${path || "it"} ${message}`).join("; ");
  throw badSettings(`in ${POD_VARIABLES.secrets}, ${words}`);
}

function milliseconds(name: string, environment: Variables): number | undefined {
  const text = environment[name];
  if (!text) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_SECONDS)) throw badSettings(`${name} must be a number of seconds, at most ${MAX_SECONDS}`);
  return Math.round(seconds * 1000);
}

/** The parser's own message would quote the text. */
function parseJson(text: string): unknown {
  try {
    return parseExact(text);
  } catch {
    return undefined;
  }
}

function badSettings(state: string): CodedError {
  return new CodedError(WRAPPER_ERRORS.BadPodSettings, `Cannot wrap the program of this pod: ${state}`);
}

function unreadable(state: string): CodedError {
  return new CodedError(WRAPPER_ERRORS.ConfigUnreadable, `Cannot read the configuration: ${state}`);
}
