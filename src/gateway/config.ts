import { CodedError } from "../base/errors.ts";
import { LOG_LEVELS, type LogFormat, type LogLevel } from "../base/log.ts";
import type { Sensitive } from "../base/sensitive.ts";
import { CONFIG_ERRORS } from "../config/errors.ts";
import { parseSetting } from "../config/parse-setting.ts";
import { stateDirectory } from "../config/state-directory.ts";
import * as parse from "../config/values.ts";
import { type FlagTable, parseArguments } from "../runtime/arguments.ts";
import { absolutePath, joinPath } from "../runtime/files.ts";

/** Everything the gateway can be told. */
export interface GatewayConfig {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly dataDirectory: string;
  readonly adminToken: Sensitive | undefined;
  readonly adminTokenFile: string | undefined;
  readonly tlsCertFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
  /** Holds the key that the store's secret columns are encrypted with; outside the database file. */
  readonly storeKeyFile: string;
  /** For finding faults: every frame of every session is appended to this file. */
  readonly captureFrames: string | undefined;
  /** OpenMetadata's API as the ingestion program shall call it. */
  readonly serverApiUrl: string | undefined;
  /** Of the OpenMetadata server, told to the runners; undefined: they aren't told. */
  readonly serverVersion: string | undefined;
  /** How long a run may wait for its runner before it fails with `StartTimeout`. */
  readonly queueTimeoutSeconds: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** One row of the settings table; the flag is the key in kebab-case, the variable `HYBRID_RUNNER_GATEWAY_` and the key in upper case. */
export interface GatewaySettingRow<T> {
  /** @throws Error whose message completes "must be …" */
  readonly parse: (text: string) => T;
  readonly fallback: (environment: Environment, dataDirectory: string) => T;
  readonly meaning: string;
  /** Only as a variable: a command line can be read by everybody on the machine. */
  readonly secret?: boolean;
}

/** Every setting of the gateway. `dataDirectory` stands first, because other defaults lie in it. */
export const GATEWAY_SETTINGS: { readonly [K in keyof GatewayConfig]: GatewaySettingRow<GatewayConfig[K]> } = {
  dataDirectory: {
    parse: wholePath,
    fallback: (environment) =>
      stateDirectory(environment, "hybrid-runner-gateway", "HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY"),
    meaning: "where database, keys and admin token are kept",
  },
  host: { parse: parse.address, fallback: () => "127.0.0.1", meaning: "the address to listen on" },
  port: {
    parse: parse.wholeNumber(0, 65_535),
    fallback: () => 8580,
    meaning: "the port to listen on; 0 takes a free one",
  },
  adminToken: {
    parse: adminToken,
    fallback: () => undefined,
    meaning: "the bearer token of the REST API; by default a random one in the file admin-token of the data directory",
    secret: true,
  },
  adminTokenFile: { parse: wholePath, fallback: () => undefined, meaning: "a file that holds the admin token" },
  tlsCertFile: {
    parse: wholePath,
    fallback: () => undefined,
    meaning: "PEM file with the certificate and its chain",
  },
  tlsKeyFile: {
    parse: wholePath,
    fallback: () => undefined,
    meaning: "PEM file with the certificate's private key",
  },
  storeKeyFile: {
    parse: wholePath,
    fallback: (_, dataDirectory) => joinPath(dataDirectory, "store.key"),
    meaning: "file with the key of the encrypted columns, made at first start; keep a copy apart from the database",
  },
  captureFrames: {
    parse: wholePath,
    fallback: () => undefined,
    meaning:
      "for finding faults: append every frame of every session to this file; it holds configurations and bot tokens",
  },
  serverApiUrl: {
    parse: parse.httpUrl,
    fallback: () => undefined,
    meaning: "OpenMetadata's API as the ingestion program calls it",
  },
  serverVersion: {
    parse: serverVersion,
    fallback: () => undefined,
    meaning: "the OpenMetadata server's version, which runners hold their ingestion images against",
  },
  queueTimeoutSeconds: {
    parse: parse.wholeNumber(1, 604_800),
    fallback: () => 3600,
    meaning: "how long a run may wait for its runner before it fails",
  },
  logLevel: {
    parse: parse.oneOf<LogLevel>(LOG_LEVELS),
    fallback: () => "info",
    meaning: "which log lines are written",
  },
  logFormat: {
    parse: parse.oneOf<LogFormat>(["text", "json"]),
    fallback: () => "text",
    meaning: "how log lines look; --json is short for json",
  },
};

const PREFIX = "HYBRID_RUNNER_GATEWAY_";
const KEYS = Object.keys(GATEWAY_SETTINGS) as (keyof GatewayConfig)[];

/** Flags of the gateway's command line. */
export const GATEWAY_FLAGS: FlagTable = {
  ...Object.fromEntries(
    KEYS.filter((key) => GATEWAY_SETTINGS[key].secret !== true).map((key) => [
      gatewayFlag(key),
      { type: "string", meaning: `${GATEWAY_SETTINGS[key].meaning} (${gatewayVariable(key)})` },
    ]),
  ),
  json: { type: "boolean", meaning: "the log as lines of JSON" },
} as FlagTable;

/** The flag of a setting, without dashes. */
export function gatewayFlag(key: keyof GatewayConfig): string {
  return key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The environment variable of a setting. */
export function gatewayVariable(key: keyof GatewayConfig): string {
  return `${PREFIX}${gatewayFlag(key).replaceAll("-", "_").toUpperCase()}`;
}

/**
 * Reads flags before variables before defaults. Empty texts count as not set.
 * @throws CodedError UsageError for a flag that doesn't exist; ConfigInvalid that lists every other problem at once
 */
export function parseGatewayConfig(args: readonly string[], environment: Environment): GatewayConfig {
  const { values, positionals } = parseArguments(args, GATEWAY_FLAGS);
  const problems = positionals.map((word) => `${JSON.stringify(word)} is not a flag`);
  problems.push(...unknownVariables(environment));
  const config: Record<string, unknown> = {};
  for (const key of KEYS) {
    const row: GatewaySettingRow<unknown> = GATEWAY_SETTINGS[key];
    const found = find(key, values, environment);
    const dataDirectory = String(config["dataDirectory"] ?? "");
    config[key] =
      found === undefined ? row.fallback(environment, dataDirectory) : parseSetting<unknown>(found, row, problems);
  }
  if (values["json"] === true) config["logFormat"] = "json";
  const gateway = config as unknown as GatewayConfig;
  problems.push(...contradictions(gateway));
  if (problems.length === 0) return gateway;
  const list = problems.map((problem) => `\n  - ${problem}`).join("");
  throw new CodedError(
    CONFIG_ERRORS.ConfigInvalid,
    `Cannot use the gateway's configuration: ${problems.length} problem(s)${list}`,
  );
}

interface Found {
  readonly name: string;
  readonly text: string;
}

function find(
  key: keyof GatewayConfig,
  flags: Readonly<Record<string, unknown>>,
  environment: Environment,
): Found | undefined {
  const flag = flags[gatewayFlag(key)];
  if (typeof flag === "string" && flag !== "") return { name: `--${gatewayFlag(key)}`, text: flag };
  const name = gatewayVariable(key);
  const text = environment[name] ?? "";
  return text === "" || isServiceLink(name, text) ? undefined : { name, text };
}

/** A misspelt variable would otherwise be ignored in silence. */
function unknownVariables(environment: Environment): string[] {
  const known = new Set(KEYS.map(gatewayVariable));
  return Object.entries(environment)
    .filter(([name, text]) => name.startsWith(PREFIX) && !known.has(name) && !isServiceLink(name, text))
    .map(([name]) => `${name} is not a setting of the gateway`);
}

/**
 * Kubernetes gives every pod variables for each Service of its namespace; those of a Service that is named
 * `hybrid-runner-gateway` begin like our own, and one of them is `HYBRID_RUNNER_GATEWAY_PORT=tcp://…`.
 */
function isServiceLink(name: string, text: string | undefined): boolean {
  if (/_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/.test(name)) return true;
  return name.endsWith("_PORT") && /^(tcp|udp|sctp):\/\//.test(text ?? "");
}

function contradictions(config: GatewayConfig): string[] {
  const name = (key: keyof GatewayConfig): string => `--${gatewayFlag(key)} (${gatewayVariable(key)})`;
  const problems: string[] = [];
  if ((config.tlsCertFile === undefined) !== (config.tlsKeyFile === undefined)) {
    problems.push(`${name("tlsCertFile")} and ${name("tlsKeyFile")} belong together: one of them is missing`);
  }
  if (config.adminToken !== undefined && config.adminTokenFile !== undefined) {
    problems.push(`${gatewayVariable("adminToken")} and ${name("adminTokenFile")} exclude each other`);
  }
  return problems;
}

/** It has to fit into an Authorization header, and short ones can be guessed. */
function adminToken(text: string): Sensitive {
  const token = parse.token(text);
  if (!/^[A-Za-z0-9._~+/=-]{16,512}$/.test(token.reveal())) {
    throw new Error("16 to 512 characters: letters, digits and . _ ~ + / = -");
  }
  return token;
}

/** Three numbers, and what some releases and builds have behind them: 1.13.3.2, 1.13.3-SNAPSHOT. */
function serverVersion(text: string): string {
  if (text.length > 64 || !/^\d{1,5}\.\d{1,5}\.\d{1,5}(?:[.+-][0-9A-Za-z]+)*$/.test(text)) {
    throw new Error("a version such as 1.13.3 or 1.13.3-SNAPSHOT");
  }
  return text;
}

function wholePath(text: string): string {
  return absolutePath(parse.path(text));
}
