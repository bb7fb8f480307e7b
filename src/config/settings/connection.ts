import type { Sensitive } from "../../base/sensitive.ts";
import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** Who this runner is and how it reaches its gateway. */
export interface ConnectionSettings {
  readonly agentId: string;
  readonly serverUrl: string;
  /** OpenMetadata's API; worked out from `serverUrl` when it isn't set. */
  readonly serverHostApiUrl: string;
  readonly authToken: Sensitive | undefined;
  readonly authTokenFile: string | undefined;
  readonly serverCaFile: string | undefined;
  readonly serverExtraCaFile: string | undefined;
  readonly reconnectDelaySeconds: number;
}

export const CONNECTION_SETTINGS: SettingRows<ConnectionSettings> = {
  agentId: {
    variables: ["AGENT_ID"],
    parse: parse.runnerId,
    fallback: () => "RemoteRunner",
    meaning: "the runner's id, unique among the runners of a gateway",
  },
  serverUrl: {
    variables: ["SERVER_URL"],
    parse: parse.serverUrl,
    meaning: "where the gateway is; https:// and a bare host mean wss://, and ws:// must be written out",
  },
  serverHostApiUrl: {
    variables: ["SERVER_HOST_API_URL"],
    parse: parse.httpUrl,
    fallback: () => "",
    otherwise: "SERVER_URL with https:// (http:// for ws://) and /api",
    meaning: "address of OpenMetadata's API",
  },
  authToken: {
    variables: ["AUTH_TOKEN"],
    parse: parse.token,
    fallback: () => undefined,
    otherwise: "what AUTH_TOKEN_FILE holds",
    meaning: "the token shown to the gateway; wins over AUTH_TOKEN_FILE, and one of the two is required",
    secret: "value",
  },
  authTokenFile: {
    variables: ["AUTH_TOKEN_FILE"],
    parse: parse.path,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "a file that holds the token; read again at each dial",
  },
  serverCaFile: {
    variables: ["SERVER_CA_FILE"],
    parse: parse.path,
    fallback: () => undefined,
    otherwise: "the built-in authorities and this system's",
    meaning:
      "PEM file with the certificate authorities that may vouch for the gateway, and no others: neither the built-in ones nor this system's",
  },
  serverExtraCaFile: {
    variables: ["SERVER_EXTRA_CA_FILE"],
    parse: parse.path,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "PEM file with certificate authorities that are trusted as well",
  },
  reconnectDelaySeconds: {
    variables: ["RECONNECT_DELAY_SECONDS"],
    parse: parse.wholeNumber(0, 3600),
    fallback: () => 0,
    meaning: "the shortest pause between two dials, in seconds; jitter comes on top",
  },
};
