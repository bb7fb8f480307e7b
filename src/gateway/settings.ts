import { LOG_LEVELS, type LogFormat, type LogLevel } from "../base/log.ts";
import type { Sensitive } from "../base/sensitive.ts";
import type { SettingRows } from "../config/settings/row.ts";
import type { SettingTable } from "../config/table.ts";
import * as parse from "../config/values.ts";
import { absolutePath } from "../runtime/files.ts";

/** Everything the gateway can be told, as it was told. */
export interface GatewaySettings {
  readonly dataDirectory: string | undefined;
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly adminToken: Sensitive | undefined;
  readonly adminTokenFile: string | undefined;
  readonly tlsCertFile: string | undefined;
  readonly tlsKeyFile: string | undefined;
  /** Holds the key that the store's secret columns are encrypted with; outside the database file. */
  readonly storeKeyFile: string | undefined;
  /** For finding faults: every frame of every session is appended to this file. */
  readonly captureFrames: string | undefined;
  /** OpenMetadata's API as the ingestion program shall call it. */
  readonly serverApiUrl: string | undefined;
  /** Of the OpenMetadata server, told to the runners; undefined: they aren't told. */
  readonly serverVersion: string | undefined;
  /** How long a run may wait for its runner before it fails. */
  readonly queueTimeoutSeconds: number;
  /** Ceilings of stored logs. */
  readonly runLogLimitMb: number;
  readonly runnerLogLimitMb: number;
  readonly storeLogLimitMb: number;
  /** Ended runs that are kept: of each pipeline, and for how long. */
  readonly keepRuns: number;
  readonly keepRunsDays: number;
  readonly logLevel: LogLevel;
  readonly logFormat: LogFormat;
}

const ROWS: SettingRows<GatewaySettings> = {
  dataDirectory: {
    variables: ["HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY"],
    parse: wholePath,
    fallback: () => undefined,
    otherwise: "`hybrid-runner-gateway` in `$XDG_STATE_HOME` or `~/.local/state`",
    meaning: "where database, keys and admin token are kept",
  },
  host: {
    variables: ["HYBRID_RUNNER_GATEWAY_HOST"],
    parse: parse.address,
    fallback: () => "127.0.0.1",
    meaning: "the address to listen on",
  },
  port: {
    variables: ["HYBRID_RUNNER_GATEWAY_PORT"],
    parse: parse.wholeNumber(0, 65_535),
    fallback: () => 8580,
    meaning: "the port to listen on; 0 takes a free one",
  },
  adminToken: {
    variables: ["HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN"],
    parse: adminToken,
    fallback: () => undefined,
    otherwise: "what the admin token's file holds",
    meaning: "the bearer token of the REST API, instead of one in a file",
    secret: "value",
    noFlag: true,
  },
  adminTokenFile: {
    variables: ["HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN_FILE"],
    parse: wholePath,
    fallback: () => undefined,
    otherwise: "`admin-token` in the data directory, made with a random token at first start",
    absent: "none",
    meaning: "a file that holds the admin token",
  },
  tlsCertFile: {
    variables: ["HYBRID_RUNNER_GATEWAY_TLS_CERT_FILE"],
    parse: wholePath,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "PEM file with the certificate and its chain",
  },
  tlsKeyFile: {
    variables: ["HYBRID_RUNNER_GATEWAY_TLS_KEY_FILE"],
    parse: wholePath,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "PEM file with the certificate's private key",
  },
  storeKeyFile: {
    variables: ["HYBRID_RUNNER_GATEWAY_STORE_KEY_FILE"],
    parse: wholePath,
    fallback: () => undefined,
    otherwise: "`store.key` in the data directory",
    meaning: "file with the key of the encrypted columns, made at first start; keep a copy apart from the database",
  },
  captureFrames: {
    variables: ["HYBRID_RUNNER_GATEWAY_CAPTURE_FRAMES"],
    parse: wholePath,
    fallback: () => undefined,
    otherwise: "none",
    meaning:
      "for finding faults: append every frame of every session to this file; it holds configurations and bot tokens",
  },
  serverApiUrl: {
    variables: ["HYBRID_RUNNER_GATEWAY_SERVER_API_URL"],
    parse: parse.httpUrl,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "OpenMetadata's API as the ingestion program calls it",
  },
  serverVersion: {
    variables: ["HYBRID_RUNNER_GATEWAY_SERVER_VERSION"],
    parse: serverVersion,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "the OpenMetadata server's version, which runners hold their ingestion images against",
  },
  queueTimeoutSeconds: {
    variables: ["HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS"],
    parse: parse.wholeNumber(1, 604_800),
    fallback: () => 3600,
    meaning: "how long a run may wait for its runner before it fails",
  },
  runLogLimitMb: {
    variables: ["HYBRID_RUNNER_GATEWAY_RUN_LOG_LIMIT_MB"],
    parse: parse.wholeNumber(1, 1_000_000),
    fallback: () => 200,
    meaning: "how much log of one run is stored at most, in MB; the run goes on all the same",
  },
  runnerLogLimitMb: {
    variables: ["HYBRID_RUNNER_GATEWAY_RUNNER_LOG_LIMIT_MB"],
    parse: parse.wholeNumber(1, 1_000_000),
    fallback: () => 5000,
    meaning: "how much log of all runs of one runner is stored at most, with what is told of their failures, in MB",
  },
  storeLogLimitMb: {
    variables: ["HYBRID_RUNNER_GATEWAY_STORE_LOG_LIMIT_MB"],
    parse: parse.wholeNumber(1, 1_000_000),
    fallback: () => 20_000,
    meaning: "how much log is stored at most, with what is told of failures, in MB",
  },
  keepRuns: {
    variables: ["HYBRID_RUNNER_GATEWAY_KEEP_RUNS"],
    parse: parse.wholeNumber(1, 1_000_000),
    fallback: () => 1000,
    meaning: "how many ended runs of each pipeline are kept, with their logs",
  },
  keepRunsDays: {
    variables: ["HYBRID_RUNNER_GATEWAY_KEEP_RUNS_DAYS"],
    parse: parse.wholeNumber(1, 36_500),
    fallback: () => 90,
    meaning: "how many days an ended run is kept",
  },
  logLevel: {
    variables: ["HYBRID_RUNNER_GATEWAY_LOG_LEVEL"],
    parse: parse.oneOf<LogLevel>(LOG_LEVELS),
    fallback: () => "info",
    meaning: "which log lines are written",
  },
  logFormat: {
    variables: ["HYBRID_RUNNER_GATEWAY_LOG_FORMAT"],
    parse: parse.oneOf<LogFormat>(["text", "json"]),
    fallback: () => "text",
    meaning: "how log lines look; --json is short for json",
  },
};

/** The gateway's table. A new setting is a row and a field here. */
export const GATEWAY_SETTINGS: SettingTable & { readonly rows: SettingRows<GatewaySettings> } = {
  rows: ROWS,
  prefix: "HYBRID_RUNNER_GATEWAY_",
  fileVariable: "HYBRID_RUNNER_GATEWAY_CONFIG_FILE",
  page: "docs/gateway-configuration.md",
};

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
