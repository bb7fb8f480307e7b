import { quantityNumber } from "../base/quantity.ts";
import { isOwnVariable, podMistakes } from "./pod-parameters.ts";
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
  if (values.executorType === "simpleK8s") problems.push(...podContradictions(values, origins, names));
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

/** What pods can't be made of. */
function podContradictions(
  { ingestionExtraEnvs = {}, pipelineTypeConfigs = {}, secretsMode, secretsManager }: Judged["values"],
  origins: Judged["origins"],
  names: Judged["names"],
): readonly string[] {
  const problems: string[] = [];
  if (origins["ingestionImage"] === "default") {
    problems.push("INGESTION_IMAGE is missing: the executor simpleK8s has to know the image of the ingestion pods");
  }
  const taken = Object.keys(ingestionExtraEnvs).filter(isOwnVariable);
  if (taken.length > 0) {
    problems.push(`${names["ingestionExtraEnvs"]} must be without what the runner sets itself: ${taken.join(", ")}`);
  }
  for (const [type, { resources: _, ...pod }] of Object.entries(pipelineTypeConfigs)) {
    for (const { path, message } of podMistakes(pod))
      problems.push(`${names["pipelineTypeConfigs"]} has a mistake: ${[type, ...path].join(".")} ${message}`);
  }
  if (secretsMode === "native" && (secretsManager === "env" || secretsManager === "file")) {
    problems.push(
      `SECRETS_MODE=native needs a secret store that the ingestion image knows, which ${secretsManager} isn't`,
    );
  }
  return problems;
}

/** What is allowed but has to be told. */
export function remarks({ values, origins }: Judged): readonly string[] {
  const warnings: string[] = [];
  const { serverUrl, executorType } = values;
  if (serverUrl?.startsWith("ws:") === true)
    warnings.push("SERVER_URL asks for a connection without TLS: the token travels readable");
  if (executorType === "argo") {
    warnings.push(
      `This version has no executor ${executorType} (${origins["executorType"]}): ` +
        "the runner connects and keeps its pipelines, and every run is refused",
    );
  }
  const unread = unreadableStore(values);
  if (unread !== undefined) {
    warnings.push(
      `This version can't read the secret store ${unread} (${origins["secretsManager"]}): ` +
        "runs with secret references fail with SecretUnresolved",
    );
  }
  return warnings;
}

/** The store that runs would ask in vain; in the mode native the ingestion image asks it. */
function unreadableStore({ executorType, secretsManager: store, secretsMode }: Judged["values"]): string | undefined {
  if (store === undefined || (executorType === "simpleK8s" && secretsMode === "native")) return undefined;
  return READABLE_STORES.includes(store) ? undefined : store;
}
