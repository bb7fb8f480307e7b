import { readdir, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { JOBS } from "../../src/kubernetes/objects.ts";
import { VERSION } from "../../src/version.ts";
import { DOCUMENTED_ENVIRONMENTS } from "../config/documented-environments.ts";
import { eventually } from "../fakes/eventually.ts";
import type { Right } from "../fakes/kubernetes/rights.ts";
import { startRoadCluster } from "./road-cluster.ts";
import { type RunnerProcess, Site } from "./site.ts";

/** What the site sets for runners of its own and the documents don't know; an empty text counts as not set. */
const NOTHING_ELSE = {
  AUTH_TOKEN_FILE: "",
  DATA_DIRECTORY: "",
  SECRETS_MANAGER: "",
  SECRETS_DIRECTORY: "",
  INGESTION_COMMAND: "",
  INGESTION_EXTRA_ENVS: "",
  STOP_GRACE_SECONDS: "",
  // The documented port; another test may have it, which is told and does no harm.
  METRICS_SERVER_PORT: "",
};

/** Starts a runner in the documented environment; only the address, the token and the home directory are this test's. */
async function startDocumented(site: Site, environment: Readonly<Record<string, string>>): Promise<RunnerProcess> {
  const id = environment["AGENT_ID"] ?? "";
  return site.startRunner({
    id,
    environment: {
      ...NOTHING_ELSE,
      ...environment,
      HOME: site.runnerData("home"),
      SERVER_URL: `ws://127.0.0.1:${site.port}`,
      AUTH_TOKEN: await site.token(id),
    },
  });
}

/** Chart 1.13.3's Role of the runner with Simple Kubernetes (facts: collate-hybrid-runner §1.3). */
const DOCUMENTED_RIGHTS: readonly Right[] = [
  { verb: ["create", "get", "list", "watch", "delete", "patch", "update"], group: "batch", resource: "jobs" },
  ...["pods", "pods/log", "pods/status"].map((resource) => ({
    verb: ["create", "get", "list", "watch", "delete"],
    resource,
  })),
  { verb: ["create", "get", "list", "update", "patch", "delete", "watch"], resource: "configmaps" },
  { verb: ["get", "list"], resource: "events" },
];

const [WITH_ARGO, IN_PODS] = [true, false].map((argo) =>
  Object.entries(DOCUMENTED_ENVIRONMENTS).filter(
    ([, environment]) => (environment["PIPELINE_SERVICE_CLIENT_ENDPOINT"] !== undefined) === argo,
  ),
) as [Documented[], Documented[]];
type Documented = [string, Readonly<Record<string, string>>];

test.each(WITH_ARGO)(
  "the documented environment of %s starts the runner, which is Connected, keeps pipelines and refuses runs",
  async (_name, environment) => {
    const site = await Site.open();
    const runner = await startDocumented(site, environment);
    const id = environment["AGENT_ID"] ?? "";
    await site.connected(id);
    expect(await site.api("GET", `/runners/${id}`)).toMatchObject({
      status: "Connected",
      executor: "argo",
      host: hostname(),
    });

    const pipeline = await site.deploy("metadata", { runnerId: id });
    const kept = join(site.runnerData("home"), ".local/state/hybrid-runner/pipelines");
    await eventually(async () => expect((await readdir(kept)).join()).toContain(pipeline));

    const refused = await site.ended(await site.start(pipeline));
    expect(refused.state).toBe("failed");
    expect(refused.failure).toMatchObject({
      category: "ConfigError",
      detail: expect.stringContaining("the executor argo is not in this version"),
      advice: expect.stringContaining("EXECUTOR_TYPE=process"),
    });
    expect(await runner.log()).toContain("This version has no executor argo");
    expect(await runner.end("SIGTERM")).toBe(0);
  },
  120_000,
);

test.each(IN_PODS)(
  "the documented environment of %s, with the documented Role only, starts the runner and runs a pipeline in a pod",
  async (_name, environment) => {
    const image = environment["INGESTION_IMAGE"] ?? environment["ARGO_INGESTION_IMAGE"] ?? "";
    const namespace = environment["INGESTION_NAMESPACE"] ?? "ingestion";
    const cluster = await startRoadCluster({
      namespaces: [...new Set(["ingestion", namespace])],
      images: [image, `hybrid-runner:${VERSION}`],
    });
    cluster.allow(DOCUMENTED_RIGHTS);
    const site = await Site.open();
    const kubeconfig = join(site.directory, "kubeconfig");
    await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
    const runner = await startDocumented(site, { ...environment, KUBECONFIG: kubeconfig });
    const id = environment["AGENT_ID"] ?? "";
    await site.connected(id, 60_000);
    expect(await site.api("GET", `/runners/${id}`)).toMatchObject({ status: "Connected", executor: "simpleK8s" });

    const run = await site.start(await site.deploy("metadata", { runnerId: id }));
    expect(await site.ended(run, 60_000)).toMatchObject({ state: "success", exitCode: 0 });
    expect(await site.wholeLog(run)).toContain("ingested metadata");
    expect(cluster.objects(JOBS, namespace)).toHaveLength(1);
    // Without the right to make Secrets the configuration is in a ConfigMap, and that is said.
    expect(await runner.log()).toMatch(/ConfigMap/);
    expect(await runner.end("SIGTERM")).toBe(0);
  },
  120_000,
);

test("with a secret store that is not in this version, runs without references work and the others fail by its name", async () => {
  const site = await Site.open();
  await site.script("plain", "echo works");
  await site.startRunner({ environment: { SECRETS_MANAGER: "managed-azure-kv", SECRETS_DIRECTORY: "" } });
  await site.connected();
  expect((await site.ended(await site.start(await site.deploy("plain")))).state).toBe("success");
  const needy = await site.deploy("plain", { connection: { password: "secret:db-password" } });
  expect(await site.ended(await site.start(needy))).toMatchObject({
    state: "failed",
    failure: { category: "SecretUnresolved", detail: expect.stringContaining("azure-kv") },
  });
});
