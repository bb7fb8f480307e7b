import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CRON_JOBS, type CronJob, JOBS, type Job, type PodTemplate } from "../../src/kubernetes/objects.ts";
import { eventually } from "../fakes/eventually.ts";
import type { FakeCluster } from "../fakes/kubernetes/fake-cluster.ts";
import { startRoadCluster } from "./road-cluster.ts";
import { type RunnerProcess, Site } from "./site.ts";

/* The server's version on its whole way: from the gateway's setting to the pods' image, or to the reason of a failed run. */

const NAMESPACE = "ingestion";
const WRAPPER = "test.local/hybrid-runner:1";
const image = (version: string): string => `test.local/ingestion:${version}`;
const NIGHTLY = { schedule: { cron: "0 3 * * *" } };

interface Place {
  readonly site: Site;
  readonly cluster: FakeCluster;
  readonly runner: RunnerProcess;
}

/** A gateway whose server has this version, and a runner whose ingestion image is of 1.13.3. */
async function connected(serverVersion: string, environment: Readonly<Record<string, string>> = {}): Promise<Place> {
  const images = [...["1.13.3", "1.14.0", "1.15.0"].map(image), WRAPPER];
  const cluster = await startRoadCluster({ namespaces: [NAMESPACE], images });
  const site = await Site.open(async (opened) => tell(opened, serverVersion));
  const kubeconfig = join(site.directory, "kubeconfig");
  await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
  const runner = await site.startRunner({
    environment: {
      EXECUTOR_TYPE: "simpleK8s",
      KUBECONFIG: kubeconfig,
      INGESTION_NAMESPACE: NAMESPACE,
      INGESTION_IMAGE: image("1.13.3"),
      INGESTION_COMMAND: "",
      INGESTION_EXTRA_ENVS: "",
      WRAPPER_IMAGE: WRAPPER,
      SECRETS_MANAGER: "kubernetes",
      SECRETS_DIRECTORY: "",
      ...environment,
    },
  });
  await site.connected("test-runner", 60_000);
  return { site, cluster, runner };
}

function tell(site: Site, serverVersion: string): void {
  site.gatewayEnvironment = { HYBRID_RUNNER_GATEWAY_SERVER_VERSION: serverVersion };
}

function imageIn({ spec }: PodTemplate): string | undefined {
  return spec.containers.find(({ name }) => name === "main")?.image;
}

function jobImages(cluster: FakeCluster): readonly (string | undefined)[] {
  return cluster.objects<Job>(JOBS, NAMESPACE).map(({ spec }) => imageIn(spec.template));
}

function cronImages(cluster: FakeCluster): readonly (string | undefined)[] {
  return cluster.objects<CronJob>(CRON_JOBS, NAMESPACE).map(({ spec }) => imageIn(spec.jobTemplate.spec.template));
}

test("a run whose image is of another version than the server fails with both versions and what to do", async () => {
  const { site, cluster, runner } = await connected("1.14.0");
  // The gateway shows a runner as connected a moment before that one has read its welcome.
  await eventually(async () => expect(await runner.log()).toContain("serverVersion=1.14.0"), 20_000);
  const run = await site.ended(await site.start(await site.deploy("metadata")));
  expect(run).toMatchObject({
    state: "failed",
    failure: {
      category: "ConfigError",
      detail: expect.stringContaining("the ingestion image is of 1.13.3, the server of 1.14.0"),
      advice: expect.stringContaining("DYNAMIC_INGESTION_VERSION_ENABLED"),
    },
  });
  expect(cluster.objects(JOBS, NAMESPACE)).toEqual([]);

  const scheduled = await site.deploy("metadata", { more: NIGHTLY });
  await eventually(async () => {
    const { refused } = await site.api<{ refused: readonly unknown[] }>("GET", "/runners/test-runner");
    expect(refused).toMatchObject([
      {
        pipelineId: scheduled,
        reason: "badConfig",
        message: expect.stringContaining("the server of 1.14.0"),
        advice: expect.stringContaining("INGESTION_DISABLE_VERSION_VALIDATION"),
      },
    ]);
  });
  expect(await site.ended(await site.start(scheduled))).toMatchObject({
    state: "failed",
    failure: { category: "ConfigError", advice: expect.stringContaining("INGESTION_DISABLE_VERSION_VALIDATION") },
  });
  expect(cluster.objects(CRON_JOBS, NAMESPACE)).toEqual([]);

  await site.killGateway();
  tell(site, "1.13.9");
  await site.startGateway();
  await site.connected("test-runner", 60_000);
  await eventually(() => expect(cronImages(cluster)).toEqual([image("1.13.3")]), 60_000);
  expect(await site.ended(await site.start(scheduled), 60_000)).toMatchObject({ state: "success" });
});

test("an image that follows the server has its version in Jobs and CronJobs, and again after an upgrade", async () => {
  const { site, cluster } = await connected("1.14.0", { DYNAMIC_INGESTION_VERSION_ENABLED: "true" });
  const pipeline = await site.deploy("metadata", { more: NIGHTLY });
  expect(await site.ended(await site.start(pipeline), 60_000)).toMatchObject({ state: "success" });
  expect(jobImages(cluster)).toEqual([image("1.14.0")]);
  await eventually(() => expect(cronImages(cluster)).toEqual([image("1.14.0")]), 20_000);

  await site.killGateway();
  tell(site, "1.15.0");
  await site.startGateway();
  await eventually(() => expect(cronImages(cluster)).toEqual([image("1.15.0")]), 60_000);

  cluster.requests.clear();
  await site.killGateway();
  await site.startGateway();
  await site.connected("test-runner", 60_000);
  expect(await site.ended(await site.start(pipeline), 60_000)).toMatchObject({ state: "success" });
  expect(cluster.requests.count({ verb: "update", resource: "cronjobs" })).toBe(0);
  expect(jobImages(cluster)).toContain(image("1.15.0"));
});
