import { CodedError } from "../base/errors.ts";
import { readShape } from "../base/shape.ts";
import type { JsonObject } from "../protocol/messages.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { RUNTIME_ERRORS } from "../runtime/errors.ts";
import { providerName } from "../secrets/catalogue.ts";
import { type SecretsSettings, secretsSettingsShape } from "../secrets/settings.ts";
import { parseConfig } from "./config-source.ts";
import { inheritedEnvironment } from "./inherited-environment.ts";

/** What a call of `hybrid-runner exec` asks for: one run of the process executor, or any program. */
export type ExecRequest = { readonly kind: "supervise"; readonly runDirectory: string } | WrapRequest;

/** A program to be wrapped as it stands on the command line. */
export interface WrapRequest {
  readonly kind: "wrap";
  readonly command: readonly string[];
  /** Without the runner's credentials and without `config`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly config?: JsonObject;
  readonly pipelineType?: string;
  readonly runId?: string;
  readonly secrets: SecretsSettings;
  readonly graceMs: number;
  readonly timeoutMs?: number;
}

/** What may stand before `--`. */
export const EXEC_FLAGS: FlagTable = {
  "run-directory": {
    type: "string",
    value: "DIR",
    meaning: "supervise the run of the process executor that lies there",
  },
  "secrets-provider": { type: "string", value: "NAME", meaning: "where references are resolved (or SECRETS_MANAGER)" },
  "secrets-path": {
    type: "string",
    value: "PATH",
    meaning: "directory or file of the provider `file` (or SECRETS_DIRECTORY, SECRETS_FILE)",
  },
  "secrets-env-prefix": { type: "string", value: "TEXT", meaning: "of the provider `env` (or SECRETS_ENV_PREFIX)" },
  "stop-grace-seconds": { type: "string", value: "SECONDS", meaning: "from TERM to KILL (or STOP_GRACE_SECONDS)" },
  "timeout-seconds": { type: "string", value: "SECONDS", meaning: "end the program after so long" },
};

const DEFAULT_GRACE_SECONDS = 30;
const MAX_SECONDS = 2_147_483;

type Variables = Readonly<Record<string, string>>;

/**
 * Reads the command line of `exec`: `[flags] -- COMMAND ARGUMENTS…` or `--run-directory DIR`. Flags win over the variables
 * SECRETS_MANAGER, SECRETS_DIRECTORY or SECRETS_FILE, SECRETS_ENV_PREFIX, INGESTION_NAMESPACE, STOP_GRACE_SECONDS.
 * @throws CodedError UsageError, UnknownSecretProvider, ConfigUnreadable
 */
export function readExecRequest(args: readonly string[], environment: Variables): ExecRequest {
  const dashes = args.indexOf("--");
  const command = dashes < 0 ? [] : args.slice(dashes + 1);
  const { values, positionals } = parseArguments(dashes < 0 ? args : args.slice(0, dashes), EXEC_FLAGS, {
    operands: true,
  });
  if (positionals.length > 0) throw usage(`"${positionals[0]}" stands before --`);
  const flag = (name: string): string | undefined => values[name] as string | undefined;
  const runDirectory = flag("run-directory");
  if (runDirectory !== undefined) {
    if (command.length > 0) throw usage("--run-directory and a program exclude each other");
    return { kind: "supervise", runDirectory };
  }
  if (command.length === 0 || command[0] === "") throw usage("there is no program behind --");
  const secrets = secretsSettings(flag, environment);
  const timeoutMs = milliseconds("--timeout-seconds", flag("timeout-seconds"));
  const grace = flag("stop-grace-seconds") ?? notEmpty(environment["STOP_GRACE_SECONDS"]);
  const { config, pipelineType, pipelineRunId, ...rest } = environment;
  return {
    kind: "wrap",
    command,
    secrets,
    environment: inheritedEnvironment(rest, secrets.provider === "env" ? secrets.prefix : undefined),
    graceMs: milliseconds("--stop-grace-seconds", grace) ?? DEFAULT_GRACE_SECONDS * 1000,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(notEmpty(config) === undefined ? {} : { config: parseConfig(config ?? "") }),
    ...(pipelineType === undefined ? {} : { pipelineType }),
    ...(pipelineRunId === undefined ? {} : { runId: pipelineRunId }),
  };
}

function secretsSettings(flag: (name: string) => string | undefined, environment: Variables): SecretsSettings {
  const paths = [environment["SECRETS_DIRECTORY"], environment["SECRETS_FILE"]].flatMap((path) => notEmpty(path) ?? []);
  const path = flag("secrets-path") ?? paths[0];
  const prefix = flag("secrets-env-prefix") ?? notEmpty(environment["SECRETS_ENV_PREFIX"]);
  const named = flag("secrets-provider") ?? notEmpty(environment["SECRETS_MANAGER"]);
  const provider = providerName(named?.toLowerCase() ?? (path === undefined ? "env" : "file"));
  if (provider === "file" && flag("secrets-path") === undefined && paths.length > 1) {
    throw usage("only one of SECRETS_DIRECTORY and SECRETS_FILE may be set");
  }
  const namespace = notEmpty(environment["INGESTION_NAMESPACE"]);
  const candidates: Readonly<Record<string, object>> = {
    env: { provider, ...(prefix === undefined ? {} : { prefix }) },
    kubernetes: { provider, ...(namespace === undefined ? {} : { namespace }) },
  };
  const settings = readShape(secretsSettingsShape, candidates[provider] ?? { provider, path });
  if (settings.problems === undefined) return settings.value;
  if (provider === "file") throw usage("the secret store file needs --secrets-path, SECRETS_DIRECTORY or SECRETS_FILE");
  if (provider === "kubernetes") throw usage("INGESTION_NAMESPACE is not the name of a namespace");
  throw usage("the prefix of secret variables may hold letters, digits and underscores only");
}

function milliseconds(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(seconds <= MAX_SECONDS)) throw usage(`${name} must be a number of seconds, at most ${MAX_SECONDS}`);
  return Math.round(seconds * 1000);
}

function notEmpty(text: string | undefined): string | undefined {
  return text === "" ? undefined : text;
}

function usage(state: string): CodedError {
  return new CodedError(RUNTIME_ERRORS.UsageError, `Cannot wrap a program: ${state}`, {
    advice: "Write hybrid-runner exec [--secrets-provider NAME] [--secrets-path PATH] -- COMMAND ARGUMENT…",
  });
}
