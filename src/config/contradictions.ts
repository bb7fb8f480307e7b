import { quantityNumber } from "./pod-values.ts";
import { READABLE_STORES } from "./secrets-manager.ts";
import { LIMITS_AND_REQUESTS } from "./settings/kubernetes.ts";
import type { Settings } from "./settings.ts";

/** Settings with where they are from and the names they were found under. */
export interface Judged {
  readonly values: Partial<Settings>;
  readonly origins: Readonly<Record<string, string>>;
  readonly names: Readonly<Record<string, string>>;
}

/** What each setting alone can't see; told together with what is wrong in the single ones. */
export function contradictions({ values, origins, names }: Judged): readonly string[] {
  const problems: string[] = [];
  if (origins["authToken"] === "default" && origins["authTokenFile"] === "default") {
    problems.push("AUTH_TOKEN or AUTH_TOKEN_FILE is missing: the token shown to the gateway");
  }
  if (
    values.secretsManager === "file" &&
    (origins["secretsDirectory"] === "default") === (origins["secretsFile"] === "default")
  ) {
    problems.push("SECRETS_MANAGER=file needs exactly one of SECRETS_DIRECTORY and SECRETS_FILE");
  }
  if (values.executorType === "process" && origins["ingestionCommand"] === "default") {
    problems.push("INGESTION_COMMAND is missing: the process executor has to know which program to start");
  }
  if (values.appServerPort !== undefined && values.appServerPort === values.metricsServerPort) {
    problems.push(`${names["appServerPort"]} must be another port than ${names["metricsServerPort"]}`);
  }
  for (const [limit, request] of LIMITS_AND_REQUESTS) {
    const [most, asked] = [values[limit], values[request]];
    if (typeof most !== "string" || typeof asked !== "string") continue;
    if (quantityNumber(asked) > quantityNumber(most))
      problems.push(`${names[request]} must be at most what ${names[limit]} says`);
  }
  return problems;
}

/** What is allowed but has to be told. */
export function remarks({ values, origins }: Judged): readonly string[] {
  const warnings: string[] = [];
  const { serverUrl, executorType, secretsManager } = values;
  if (serverUrl?.startsWith("ws:") === true)
    warnings.push("SERVER_URL asks for a connection without TLS: the token travels readable");
  if (executorType !== undefined && executorType !== "process") {
    warnings.push(
      `This version has no executor ${executorType} (${origins["executorType"]}): ` +
        "the runner connects and keeps its pipelines, and every run is refused",
    );
  }
  if (secretsManager !== undefined && !READABLE_STORES.includes(secretsManager)) {
    warnings.push(
      `This version can't read the secret store ${secretsManager} (${origins["secretsManager"]}): ` +
        "runs with secret references fail with SecretUnresolved",
    );
  }
  return warnings;
}
