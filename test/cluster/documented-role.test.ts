import { expect, test } from "vitest";
import { DOCUMENTED_RULES } from "../../src/executor/pods/rights/role.ts";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "../road/site.ts";
import { type ClusterObject, objects, shellPods } from "./cluster-site.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { runnerKubeconfig } from "./runner-identity.ts";

const MINUTE_MS = 60_000;
const SCRIPT = 'test -n "$config" && echo has its configuration';

interface JobObject extends ClusterObject {
  readonly status?: { readonly phase?: string; readonly succeeded?: number };
}

/** Minutes in which Jobs were made. */
function minutesOf(jobs: readonly ClusterObject[]): readonly string[] {
  return jobs.map(({ metadata }) => metadata.creationTimestamp.slice(0, 16)).sort();
}

test("with exactly the documented Role a pipeline runs and its schedule fires, also for a runner that lost its disk and has no gateway", {
  timeout: 300_000,
}, async () => {
  const namespace = await temporaryNamespace("documented");
  const KUBECONFIG = await runnerKubeconfig(namespace, DOCUMENTED_RULES);
  const site = await Site.open();
  const environment = { ...shellPods(namespace, SCRIPT), KUBECONFIG };
  const runner = await site.startRunner({ environment });
  await site.connected();

  const pipelineId = await site.deploy("metadata", {
    more: { botToken: "bot-token-of-the-test", schedule: { cron: "* * * * *", timeZone: "UTC" } },
  });
  const ordered = await site.start(pipelineId);
  expect(await site.ended(ordered, 90_000)).toMatchObject({ state: "success" });
  expect(await site.wholeLog(ordered)).toContain("has its configuration");
  expect((await objects(namespace, "secrets")).map(({ metadata }) => metadata.name)).toEqual([]);
  expect(await objects(namespace, "cronjobs")).toEqual([]);

  await runner.end("SIGKILL");
  await site.killGateway();
  const before = (await objects(namespace, "jobs")).length;
  // Another place: its data directory is empty, all it knows is in the cluster.
  const again = await site.startRunner({ place: "another-disk", environment });
  await eventually(async () => {
    const jobs = await objects<JobObject>(namespace, "jobs");
    expect(jobs.filter(({ status }) => status?.succeeded === 1).length).toBeGreaterThanOrEqual(before + 2);
  }, 4 * MINUTE_MS);
  await again.end("SIGKILL");
  const fired = (await objects(namespace, "jobs")).filter(({ metadata }) => !metadata.name.includes(ordered));
  const minutes = minutesOf(fired);
  // The first after the restart may make up for one that was missed, in the minute of the next.
  expect(minutes.length - new Set(minutes).size).toBeLessThanOrEqual(1);
  const configMaps = await kubectl("-n", namespace, "get", "configmaps", "-o", "name");
  expect(configMaps).toContain(`hr-${pipelineId}-record`);
});
