import { expect, test } from "vitest";
import { type Clock, systemClock } from "../../../../src/base/clock.ts";
import { silentLog } from "../../../../src/base/log.ts";
import { type KubernetesDeployments, openDeployments } from "../../../../src/executor/jobs/deployments/deployments.ts";
import { ANNOTATIONS, LABELS } from "../../../../src/executor/pods/labels.ts";
import { anchorName, pipelineObjectName } from "../../../../src/executor/pods/names.ts";
import type { KubernetesExecutorOptions } from "../../../../src/executor/pods/options.ts";
import { reviewRights } from "../../../../src/executor/pods/rights/review-rights.ts";
import { rightIds } from "../../../../src/executor/pods/rights/right-table.ts";
import { DOCUMENTED_RULES, type RoleRule, rulesFor } from "../../../../src/executor/pods/rights/role.ts";
import type { KubernetesApi } from "../../../../src/kubernetes/api.ts";
import {
  CONFIG_MAPS,
  CRON_JOBS,
  JOBS,
  type KubernetesObject,
  type Resource,
  SECRETS,
} from "../../../../src/kubernetes/objects.ts";
import type { PipelineBody } from "../../../../src/protocol/messages.ts";
import { scheduleRecordsIn } from "../../../../src/schedules/schedule-records.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { PIPELINE, PLAIN_PODS, TOKEN } from "../manifests/samples.ts";

/** Rules with every right of the table. */
export const ALL: readonly RoleRule[] = rulesFor(rightIds());

/** A namespace of a cluster, a runner in it with exactly the rights it was given, and an administrator who looks on. */
export interface Site {
  readonly namespace: string;
  readonly admin: KubernetesApi;
  readonly api: KubernetesApi;
  /** The runner has these rights from now on, or soon. */
  grant(rules: readonly RoleRule[]): Promise<void>;
  /** Makes a CronJob fire now. Answers the Job's name. */
  fire(cronJob: string): Promise<string>;
}

/** Waits until a runner with these rights would start like that. */
export async function becomes(site: Site, fires: "cluster" | "runner"): Promise<void> {
  await eventually(async () => expect((await reviewRights(site.api, site.namespace)).fires).toBe(fires), 10_000);
}

/** Opens deployments as a runner does that starts now. */
export async function openAt(
  site: Site,
  runnerId = "runner-a",
  wrapperImage = "runner:1",
  clock: Clock = systemClock,
): Promise<KubernetesDeployments> {
  const { api, namespace } = site;
  const options: KubernetesExecutorOptions = {
    api,
    namespace,
    runnerId,
    dataDirectory: "/nowhere",
    pods: { ...PLAIN_PODS, image: "test.local/busybox:1" },
    secretsMode: "wrapper",
    secrets: { provider: "kubernetes" },
    wrapperImage,
    wrapperDelivery: "initContainer",
    graceMs: 1000,
    ttlSecondsAfterFinished: 60,
    startTimeoutMs: 0,
    keepReleased: 1,
    keepReleasedDays: 1,
    clock,
    log: silentLog,
  };
  const rights = await reviewRights(api, namespace);
  return openDeployments(options, rights, { options, configIn: rights.configIn, delivery: "initContainer" });
}

/** Names of what this program has made, as an administrator sees it. */
export async function names(
  { admin, namespace }: Site,
  resource: Resource<KubernetesObject>,
): Promise<readonly string[]> {
  const { items } = await admin.list(resource, namespace);
  return items
    .map(({ metadata }) => metadata.name)
    .filter((name) => name.startsWith("hr-"))
    .sort();
}

/** A pipeline of its own. */
export function pipeline(changes: Partial<PipelineBody> = {}): PipelineBody {
  return { ...PIPELINE, pipelineId: crypto.randomUUID(), ...changes };
}

async function versionOf(
  { admin, namespace }: Site,
  resource: Resource<KubernetesObject>,
  name: string,
): Promise<string> {
  return (await admin.get(resource, namespace, name)).metadata.resourceVersion ?? "";
}

/** What deployments are, in any cluster: in the fake one and in a real one. */
export function deploymentsContract(makeSite: (rules: readonly RoleRule[]) => Promise<Site>): void {
  const site = async (rules: readonly RoleRule[] = ALL): Promise<Site> => {
    const made = await makeSite(rules);
    await becomes(made, rules === ALL ? "cluster" : "runner");
    return made;
  };

  test("a deployed schedule is a CronJob and a Secret of the anchor, found again, and written only when something changed", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const body = pipeline();
    const name = pipelineObjectName(body.pipelineId);
    await deployments.put(body);
    const { generation, hash, pipelineId } = body;
    const cron = "30 2 * * 0";
    const found = { pipelineId, generation, hash, enabled: true, schedule: { cron, timeZone: "Europe/Berlin" } };
    expect(await (await openAt(here)).list()).toEqual([found]);
    const anchor = await here.admin.get(CONFIG_MAPS, here.namespace, anchorName("runner-a"));
    for (const resource of [CRON_JOBS, SECRETS]) {
      const { ownerReferences } = (await here.admin.get<KubernetesObject>(resource, here.namespace, name)).metadata;
      expect(ownerReferences?.map(({ uid }) => uid)).toEqual([anchor.metadata.uid]);
    }
    const secret = await here.admin.get(SECRETS, here.namespace, name);
    expect(atob(secret.data?.["config"] ?? "")).toContain(TOKEN);
    expect(JSON.stringify(await here.admin.get(CRON_JOBS, here.namespace, name))).not.toContain(TOKEN);

    const before = [await versionOf(here, CRON_JOBS, name), await versionOf(here, SECRETS, name)];
    await deployments.put(body);
    await (await openAt(here)).put(body);
    expect([await versionOf(here, CRON_JOBS, name), await versionOf(here, SECRETS, name)]).toEqual(before);

    await deployments.put({ ...body, generation: 4, hash: "b".repeat(64), enabled: false });
    expect((await here.admin.get(CRON_JOBS, here.namespace, name)).spec.suspend).toBe(true);
    expect(await deployments.list()).toEqual([{ ...found, generation: 4, hash: "b".repeat(64), enabled: false }]);
  });

  test("a new version of the runner writes its wrapper into the CronJobs that are there", async () => {
    const here = await site();
    const body = pipeline();
    await (await openAt(here, "runner-a", "runner:1")).put(body);
    await (await openAt(here, "runner-a", "runner:2")).put(body);
    const cronJob = await here.admin.get(CRON_JOBS, here.namespace, pipelineObjectName(body.pipelineId));
    const images = cronJob.spec.jobTemplate.spec.template.spec.initContainers?.map(({ image }) => image);
    expect(images).toEqual(["runner:2"]);
  });

  test("what people have suspended or deleted by hand is as deployed again after the next put", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const body = pipeline();
    const name = pipelineObjectName(body.pipelineId);
    await deployments.put(body);
    await here.admin.patch(CRON_JOBS, here.namespace, name, { spec: { suspend: true } });
    await here.admin.remove(SECRETS, here.namespace, name, { propagation: "Background" });
    await deployments.put(body);
    expect((await here.admin.get(CRON_JOBS, here.namespace, name)).spec.suspend).toBe(false);
    await here.admin.remove(SECRETS, here.namespace, name, { propagation: "Background" });
    await deployments.put(body);
    expect(await names(here, SECRETS)).toEqual([name]);
  });

  test("a deployment that the cluster refuses half-way leaves what was there, and nothing of a new one", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const [old, fresh] = [pipeline(), pipeline()];
    await deployments.put(old);
    const name = pipelineObjectName(old.pipelineId);
    const before = await here.admin.get(SECRETS, here.namespace, name);
    // The Secret is taken, the CronJob isn't.
    const refused = {
      fullyQualifiedName: "x".repeat(300_000),
      config: { other: "configuration" },
      hash: "c".repeat(64),
    };
    await expect(deployments.put({ ...old, ...refused, generation: 9 })).rejects.toMatchObject({
      code: "PodUnworkable",
    });
    await expect(deployments.put({ ...fresh, ...refused })).rejects.toMatchObject({ code: "PodUnworkable" });
    const after = await here.admin.get(SECRETS, here.namespace, name);
    expect([after.data, after.metadata.annotations]).toEqual([before.data, before.metadata.annotations]);
    expect(await names(here, SECRETS)).toEqual([name]);
    expect(await names(here, CRON_JOBS)).toEqual([name]);
  });

  test("a pipeline that another runner of the namespace has is refused by its name, and can be taken over once that one let go", async () => {
    const here = await site();
    const [a, b] = [await openAt(here, "runner-a"), await openAt(here, "runner-b")];
    const body = pipeline();
    await a.put(body);
    await expect(b.put(body)).rejects.toMatchObject({
      code: "ObjectNotOurs",
      retryable: true,
      message: expect.stringContaining("runner-a"),
    });
    await b.remove(body.pipelineId);
    expect(await b.list()).toEqual([]);
    expect(await a.list()).toHaveLength(1);
    await a.remove(body.pipelineId);
    await b.put(body);
    expect(await b.list()).toHaveLength(1);
  });

  test("a pipeline whose objects lost their labels is removed, and what nobody is known to own is refused, never passed over", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const [ours, foreign] = [pipeline(), pipeline()];
    const strip = { metadata: { labels: { [LABELS.managedBy]: null, [LABELS.runner]: null } } };
    for (const { pipelineId } of [ours, foreign]) {
      const name = pipelineObjectName(pipelineId);
      await deployments.put(pipelineId === ours.pipelineId ? ours : foreign);
      await here.admin.patch(CRON_JOBS, here.namespace, name, strip);
      await here.admin.patch(SECRETS, here.namespace, name, strip);
    }
    const kept = pipelineObjectName(foreign.pipelineId);
    await here.admin.patch(CRON_JOBS, here.namespace, kept, { metadata: { ownerReferences: null } });
    await deployments.remove(ours.pipelineId);
    await eventually(async () => expect(await names(here, CRON_JOBS)).toEqual([kept]), 20_000);
    expect(await names(here, SECRETS)).toEqual([kept]);
    await expect(deployments.remove(foreign.pipelineId)).rejects.toMatchObject({ code: "ObjectNotOurs" });
    expect(await names(here, CRON_JOBS)).toEqual([kept]);
  });

  test("remove takes the CronJob of this pipeline and only that; its live run stays, with the configuration until it is released", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const [gone, other] = [pipeline(), pipeline()];
    await deployments.put(gone);
    await deployments.put(other);
    const name = pipelineObjectName(gone.pipelineId);
    const fired = await here.fire(name);
    await deployments.remove(gone.pipelineId);
    await eventually(
      async () => expect(await names(here, CRON_JOBS)).toEqual([pipelineObjectName(other.pipelineId)]),
      20_000,
    );
    const job = await here.admin.get(JOBS, here.namespace, fired);
    expect(job.metadata.deletionTimestamp).toBeUndefined();
    const config = await here.admin.get(SECRETS, here.namespace, name);
    expect(config.metadata.ownerReferences?.map(({ uid }) => uid)).toEqual([job.metadata.uid]);
    await deployments.remove(gone.pipelineId);
    expect(await names(here, SECRETS)).toContain(name);

    await here.api.remove(JOBS, here.namespace, fired, { propagation: "Background" });
    await eventually(
      async () => expect(await names(here, SECRETS)).toEqual([pipelineObjectName(other.pipelineId)]),
      30_000,
    );
    await deployments.remove(gone.pipelineId);
  });

  test("a pipeline whose schedule is taken away keeps no objects, and gets them back with its schedule", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const body = pipeline();
    const { schedule: _, ...onDemand } = body;
    await deployments.put(onDemand);
    expect([await names(here, CRON_JOBS), await names(here, SECRETS)]).toEqual([[], []]);
    await deployments.put(body);
    await deployments.put(onDemand);
    expect([await deployments.list(), await names(here, SECRETS)]).toEqual([[], []]);
    // At once: the old one may be on its way out still.
    await deployments.put(body);
    expect(await deployments.list()).toHaveLength(1);
    expect(await names(here, SECRETS)).toHaveLength(1);
  });

  test("an uninstall that removes the anchor leaves nothing that fires; the next deployment makes a new anchor", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const body = pipeline();
    await deployments.put(body);
    await here.admin.remove(CONFIG_MAPS, here.namespace, anchorName("runner-a"), { propagation: "Background" });
    await eventually(async () => expect(await names(here, CRON_JOBS)).toEqual([]), 30_000);
    await eventually(async () => expect(await names(here, SECRETS)).toEqual([]), 30_000);
    await (await openAt(here)).put(body);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect(await names(here, CRON_JOBS)).toHaveLength(1);
  });

  test("every pipeline is found, over all pages", async () => {
    const here = await site();
    const deployments = await openAt(here);
    const bodies = Array.from({ length: 260 }, () => pipeline({ enabled: false }));
    for (let next = 0; next < bodies.length; next += 8) {
      await Promise.all(bodies.slice(next, next + 8).map((body) => deployments.put(body)));
    }
    const found = new Set((await (await openAt(here)).list()).map(({ pipelineId }) => pipelineId));
    expect(found).toEqual(new Set(bodies.map(({ pipelineId }) => pipelineId)));
  });

  test("with the documented Role pipelines are kept with their bodies, schedules are remembered, and the runner fires", async () => {
    const here = await site(DOCUMENTED_RULES);
    const deployments = await openAt(here);
    expect(deployments.fires).toBe("runner");
    const [body, other] = [pipeline(), pipeline({ schedule: { cron: "@daily", timeZone: "UTC" } })];
    await deployments.put(body);
    await deployments.put(other);
    const version = await versionOf(here, CONFIG_MAPS, pipelineObjectName(body.pipelineId));
    await deployments.put(body);
    expect(await versionOf(here, CONFIG_MAPS, pipelineObjectName(body.pipelineId))).toBe(version);
    const again = await openAt(here);
    expect((await again.list()).map((found) => found.body).sort(byId)).toEqual([body, other].sort(byId));

    const texts = again.records;
    if (texts === undefined) throw new Error("no records");
    const records = scheduleRecordsIn(texts, silentLog);
    const record = { pipelineId: body.pipelineId, generation: 3, hash: body.hash, considered: 1_700_000_000_000 };
    await records.write(record);
    await records.write({ ...record, considered: 1_700_000_060_000 });
    expect(await scheduleRecordsIn((await openAt(here)).records ?? texts, silentLog).list()).toEqual([
      { ...record, considered: 1_700_000_060_000 },
    ]);
    await again.put({ ...body, generation: 4, enabled: false });
    expect((await again.list()).find(({ pipelineId }) => pipelineId === body.pipelineId)?.body?.enabled).toBe(false);
    await again.remove(body.pipelineId);
    await records.remove(body.pipelineId);
    await records.remove(body.pipelineId);
    expect(await records.list()).toEqual([]);
    expect((await again.list()).map(({ pipelineId }) => pipelineId)).toEqual([other.pipelineId]);
  });

  test("rights that were added move pipelines to CronJobs and Secrets, and no bot token stays in a ConfigMap", async () => {
    const here = await site(DOCUMENTED_RULES);
    const body = pipeline();
    const limited = await openAt(here);
    await limited.put(body);
    await limited.records?.write(body.pipelineId, "{}");
    await here.grant(ALL);
    await eventually(async () => expect((await reviewRights(here.api, here.namespace)).fires).toBe("cluster"));
    const full = await openAt(here);
    expect(await full.list()).toMatchObject([{ pipelineId: body.pipelineId, body }]);
    await full.put(body);
    expect(await names(here, CONFIG_MAPS)).toEqual([anchorName("runner-a")]);
    expect(await names(here, CRON_JOBS)).toHaveLength(1);
    expect(JSON.stringify(await here.admin.list(CONFIG_MAPS, here.namespace))).not.toContain(TOKEN);
  });

  test("rights that were taken away end the CronJobs, though not the run that one of them started, and the runner fires", async () => {
    const here = await site();
    const body = pipeline();
    await (await openAt(here)).put(body);
    const name = pipelineObjectName(body.pipelineId);
    const fired = await here.fire(name);
    await here.grant(DOCUMENTED_RULES);
    await eventually(async () => expect((await reviewRights(here.api, here.namespace)).fires).toBe("runner"));
    const limited = await openAt(here);
    await limited.put(body);
    await eventually(async () => expect(await names(here, CRON_JOBS)).toEqual([]), 30_000);
    expect((await limited.list()).map((found) => found.body)).toEqual([body]);
    await new Promise((resolve) => setTimeout(resolve, 2000));
    expect((await here.admin.get(JOBS, here.namespace, fired)).metadata.deletionTimestamp).toBeUndefined();
    expect(await names(here, CONFIG_MAPS)).toContain(anchorName("runner-a"));
  });

  test("a right that is taken away under way is named in the refusal, with the lines that give it back", async () => {
    const here = await site();
    const deployments = await openAt(here);
    await here.grant(rulesFor(rightIds().filter((id) => id !== "cronjobs:create")));
    await eventually(async () => expect((await reviewRights(here.api, here.namespace)).fires).toBe("runner"));
    const body = pipeline();
    await expect(deployments.put(body)).rejects.toMatchObject({
      code: "RightMissing",
      message: expect.stringContaining("create cronjobs"),
      advice: expect.stringContaining('{apiGroups: ["batch"], resources: ["cronjobs"], verbs: ["create"]}'),
    });
    expect(await names(here, SECRETS)).toEqual([]);
  });

  test("two deployments of one pipeline at once leave one CronJob, as one of them says", async () => {
    const here = await site();
    const [first, second] = [await openAt(here), await openAt(here)];
    const body = pipeline();
    const bodies = [body, { ...body, generation: 4, hash: "d".repeat(64) }];
    await Promise.all([first.put(bodies[0] ?? body), second.put(bodies[1] ?? body)]);
    await Promise.all([first.put(bodies[1] ?? body), second.put(bodies[0] ?? body)]);
    const cronJob = await here.admin.get(CRON_JOBS, here.namespace, pipelineObjectName(body.pipelineId));
    expect(["3", "4"]).toContain(cronJob.metadata.annotations?.[ANNOTATIONS.generation]);
    expect(await names(here, SECRETS)).toHaveLength(1);
  });
}

function byId(a: PipelineBody | undefined, b: PipelineBody | undefined): number {
  return (a?.pipelineId ?? "").localeCompare(b?.pipelineId ?? "");
}
