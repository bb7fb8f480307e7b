import { RUNS_OF_A_CLUSTER } from "./settings/executor.ts";
import { COMMAND_IN_PODS } from "./settings/ingestion.ts";
import { KUBERNETES_SETTINGS } from "./settings/kubernetes.ts";
import type { Settings } from "./settings.ts";

/**
 * Fills in what follows from other settings (ADR 0009): the executor, the secret store, how many runs, the program in pods,
 * the address of the API.
 * A setting that was given, even badly, is left alone.
 */
export function workOut(
  values: Record<string, unknown>,
  origins: Record<string, string>,
  environment: Readonly<Record<string, string | undefined>>,
): void {
  const put = (key: keyof Settings, value: Settings[typeof key], why: string): void => {
    values[key] = value;
    origins[key] = `worked out: ${why}`;
  };
  if (origins["executorType"] === "default") {
    const { type, why } = executorOf(origins, environment);
    if (why !== undefined) put("executorType", type, why);
  }
  const executor = values["executorType"];
  if (executor !== undefined && executor !== "process") {
    const why = `the executor is ${String(executor)}`;
    if (origins["secretsManager"] === "default") put("secretsManager", "kubernetes", why);
    if (origins["maxConcurrentRuns"] === "default") put("maxConcurrentRuns", RUNS_OF_A_CLUSTER, why);
    if (origins["ingestionCommand"] === "default") put("ingestionCommand", COMMAND_IN_PODS, why);
  }
  const serverUrl = values["serverUrl"];
  if (origins["serverHostApiUrl"] === "default" && typeof serverUrl === "string") {
    put("serverHostApiUrl", `${serverUrl.replace(/^ws/, "http")}/api`, "from SERVER_URL");
  }
}

function executorOf(
  origins: Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string | undefined>>,
): { readonly type: Settings["executorType"]; readonly why?: string } {
  const given = (keys: readonly string[]): string | undefined => keys.find((key) => origins[key] !== "default");
  const argo = given(["argoEndpoint", "argoToken"]);
  if (argo !== undefined) return { type: "argo", why: `${origins[argo]} is set` };
  const pods = given(Object.keys(KUBERNETES_SETTINGS));
  if (pods !== undefined) return { type: "simpleK8s", why: `${origins[pods]} is set` };
  const command = given(["ingestionCommand"]);
  if (command !== undefined) return { type: "process", why: `${origins[command]} is set` };
  if ((environment["KUBERNETES_SERVICE_HOST"] ?? "") !== "") return { type: "simpleK8s", why: "this is a cluster" };
  return { type: "process" };
}
