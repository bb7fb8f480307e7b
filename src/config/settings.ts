import { LOG_LEVELS, type LogFormat, type LogLevel } from "../base/log.ts";
import type { Sensitive } from "../base/sensitive.ts";
import * as parse from "./values.ts";

/** Everything the runner can be told. Times in seconds, as their variables say. */
export interface Settings {
  readonly agentId: string;
  readonly serverUrl: string;
  readonly authToken: Sensitive | undefined;
  readonly authTokenFile: string | undefined;
  readonly serverCaFile: string | undefined;
  readonly reconnectDelaySeconds: number;
  readonly executorType: ExecutorType;
  readonly dataDirectory: string | undefined;
  readonly ingestionCommand: readonly string[] | undefined;
  readonly ingestionExtraEnvs: Readonly<Record<string, string>>;
  readonly ingestionVersion: string | undefined;
  readonly maxConcurrentRuns: number;
  readonly stopGraceSeconds: number;
  readonly secretsManager: SecretsManager;
  readonly secretsDirectory: string | undefined;
  readonly secretsFile: string | undefined;
  readonly secretsEnvPrefix: string;
  readonly metricsServerPort: number | undefined;
  readonly metricsServerPath: string;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

/** Executors this version has. */
export type ExecutorType = "process";

/** Secret stores this version has. */
export type SecretsManager = "env" | "file";

/** One row of the settings table: how a setting is named, read and explained. */
export interface SettingRow<T> {
  /** Environment variables, newest name first; the first that is set wins. The flag is the first one in kebab-case. */
  readonly variables: readonly [string, ...string[]];
  /** Turns a text into the value. @throws Error whose message completes "must be …" */
  readonly parse: (text: string) => T;
  /** Used when nothing is set; absent: the setting is required. */
  readonly fallback?: () => T;
  /** One sentence for the documents and for `--help`. */
  readonly meaning: string;
  /** Never shown. */
  readonly secret?: boolean;
}

/** Every setting of the runner. A new variable is a new row here and a field in `Settings`. */
export const SETTINGS: { readonly [K in keyof Settings]: SettingRow<Settings[K]> } = {
  agentId: {
    variables: ["AGENT_ID"],
    parse: parse.runnerId,
    fallback: () => "RemoteRunner",
    meaning: "the runner's id, unique among the runners of a gateway",
  },
  serverUrl: {
    variables: ["SERVER_URL"],
    parse: parse.serverUrl,
    meaning: "where the gateway is; a bare host means wss://, and ws:// must be written out",
  },
  authToken: {
    variables: ["AUTH_TOKEN"],
    parse: parse.sensitive,
    fallback: () => undefined,
    meaning: "the token shown to the gateway",
    secret: true,
  },
  authTokenFile: {
    variables: ["AUTH_TOKEN_FILE"],
    parse: parse.text,
    fallback: () => undefined,
    meaning: "a file that holds the token; read again at each dial",
  },
  serverCaFile: {
    variables: ["SERVER_CA_FILE"],
    parse: parse.text,
    fallback: () => undefined,
    meaning: "PEM file with the certificate authority of the gateway, used instead of the built-in ones",
  },
  reconnectDelaySeconds: {
    variables: ["RECONNECT_DELAY_SECONDS"],
    parse: parse.wholeNumber(0, 3600),
    fallback: () => 0,
    meaning: "the shortest pause between two dials; jitter comes on top",
  },
  executorType: {
    variables: ["EXECUTOR_TYPE"],
    parse: parse.oneOf<ExecutorType>(["process"]),
    fallback: () => "process",
    meaning: "where runs happen",
  },
  dataDirectory: {
    variables: ["DATA_DIRECTORY"],
    parse: parse.text,
    fallback: () => undefined,
    meaning: "where pipelines, runs and logs are kept; by default hybrid-runner in the user's state directory",
  },
  ingestionCommand: {
    variables: ["INGESTION_COMMAND"],
    parse: parse.commandLine,
    fallback: () => undefined,
    meaning:
      'the ingestion program as a JSON list, for example ["python","main.py"]; {config} stands for a file with the configuration',
  },
  ingestionExtraEnvs: {
    variables: ["INGESTION_EXTRA_ENVS", "ARGO_EXTRA_ENVS", "ARGO_EXTRA_ENVS_NOOP"],
    parse: parse.extraEnvironment,
    fallback: () => ({}),
    meaning: "variables for the ingestion program: [name:value,name:value] or a JSON object",
  },
  ingestionVersion: {
    variables: ["INGESTION_VERSION"],
    parse: parse.text,
    fallback: () => undefined,
    meaning: "version of the ingestion program, shown in the list of runners",
  },
  maxConcurrentRuns: {
    variables: ["MAX_CONCURRENT_RUNS"],
    parse: parse.wholeNumber(1, 10_000),
    fallback: () => 10,
    meaning: "how many runs may be live at once; more are refused and offered again later",
  },
  stopGraceSeconds: {
    variables: ["STOP_GRACE_SECONDS"],
    parse: parse.wholeNumber(0, 3600),
    fallback: () => 30,
    meaning: "how long a program may take to end after TERM before it is killed",
  },
  secretsManager: {
    variables: ["SECRETS_MANAGER"],
    parse: parse.oneOf<SecretsManager>(["env", "file"]),
    fallback: () => "env",
    meaning: "which store secret references are resolved from",
  },
  secretsDirectory: {
    variables: ["SECRETS_DIRECTORY"],
    parse: parse.text,
    fallback: () => undefined,
    meaning: "for SECRETS_MANAGER=file: a directory with one file a secret",
  },
  secretsFile: {
    variables: ["SECRETS_FILE"],
    parse: parse.text,
    fallback: () => undefined,
    meaning: "for SECRETS_MANAGER=file: one JSON or YAML file with all secrets",
  },
  secretsEnvPrefix: {
    variables: ["SECRETS_ENV_PREFIX"],
    parse: parse.variablePrefix,
    fallback: () => "HYBRID_RUNNER_SECRET_",
    meaning: "for SECRETS_MANAGER=env: what the variables' names begin with",
  },
  metricsServerPort: {
    variables: ["METRICS_SERVER_PORT"],
    parse: parse.wholeNumber(0, 65_535),
    fallback: () => undefined,
    meaning: "port of metrics and probes; nothing listens when it is not set",
  },
  metricsServerPath: {
    variables: ["METRICS_SERVER_PATH"],
    parse: parse.urlPath,
    fallback: () => "/metrics",
    meaning: "path of the metrics",
  },
  logLevel: {
    variables: ["LOG_LEVEL"],
    parse: parse.oneOf<LogLevel>(LOG_LEVELS),
    fallback: () => "info",
    meaning: "which log lines are written",
  },
  logFormat: {
    variables: ["LOG_FORMAT"],
    parse: parse.oneOf<LogFormat>(["text", "json"]),
    fallback: () => "text",
    meaning: "how log lines look",
  },
};

/** Names of all settings, as they stand in the configuration file. */
export const SETTING_KEYS: readonly (keyof Settings)[] = Object.keys(SETTINGS) as (keyof Settings)[];

/** The flag of a setting: its first variable in kebab-case. */
export function flagOf(key: keyof Settings): string {
  return SETTINGS[key].variables[0].toLowerCase().replaceAll("_", "-");
}
