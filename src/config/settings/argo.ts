import type { Sensitive } from "../../base/sensitive.ts";
import * as parse from "../values.ts";
import type { SettingRows } from "./row.ts";

/** The Argo server. */
export interface ArgoSettings {
  readonly argoEndpoint: string | undefined;
  readonly argoToken: Sensitive | undefined;
  readonly argoSecondsAfterCompletionTtl: number | undefined;
  readonly argoServerCertificatePath: string | undefined;
  readonly argoTestConnectionBackoffTime: number | undefined;
}

export const ARGO_SETTINGS: SettingRows<ArgoSettings> = {
  argoEndpoint: {
    variables: ["PIPELINE_SERVICE_CLIENT_ENDPOINT"],
    parse: parse.httpUrlOrHost,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "address of the Argo server; host:port works too",
  },
  argoToken: {
    variables: ["ARGO_TOKEN"],
    parse: parse.token,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "bearer token for the Argo server",
    secret: "value",
  },
  argoSecondsAfterCompletionTtl: {
    variables: ["ARGO_SECONDS_AFTER_COMPLETION_TTL"],
    parse: parse.wholeNumber(0, 315_360_000),
    fallback: () => undefined,
    otherwise: "none",
    meaning: "how long a finished workflow is kept, in seconds",
  },
  argoServerCertificatePath: {
    variables: ["ARGO_SERVER_CERTIFICATE_PATH"],
    parse: parse.path,
    fallback: () => undefined,
    otherwise: "none",
    meaning: "certificate file for the Argo server",
  },
  argoTestConnectionBackoffTime: {
    variables: ["ARGO_TEST_CONNECTION_BACKOFF_TIME"],
    parse: parse.wholeNumber(0, 86_400),
    fallback: () => undefined,
    otherwise: "none",
    meaning: "pause between two attempts to reach the Argo server, in seconds",
  },
};
