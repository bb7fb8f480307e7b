import { describe, expect, test } from "vitest";
import { type Clock, systemClock } from "../../../src/base/clock.ts";
import { createLog } from "../../../src/base/log.ts";
import type { Deployments, Executor } from "../../../src/executor/executor.ts";
import type { KubernetesExecutorOptions, PodSettings } from "../../../src/executor/pods/options.ts";
import { rightIds } from "../../../src/executor/pods/rights/right-table.ts";
import { type RoleRule, rulesFor } from "../../../src/executor/pods/rights/role.ts";
import { CRON_JOBS, type CronJob, JOBS, type Job, type PodTemplate, SECRETS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, type KubernetesWorld, NAMESPACE, podSettings } from "./kubernetes-world.ts";
import { PIPELINE } from "./manifests/samples.ts";

/* Both switches of the product need the server's version; what they do with it, on a cluster. */

const LIMITS = { timeout: 300_000 };
const REPOSITORY = "test.local/ingestion";
const IMAGES = ["1.13.3", "1.14.0", "latest"].map((tag) => `${REPOSITORY}:${tag}`);
/** What is done once a minute comes soon. */
const HURRIED: Clock = {
  ...systemClock,
  schedule: (delayMs, task, options) => systemClock.schedule(delayMs / 100, task, options),
};
const SCHEDULED = { ...PIPELINE, retries: 0 };

interface Told {
  readonly world: KubernetesWorld;
  /** The server's version from now on. */
  version: string | undefined;
  readonly options: Partial<KubernetesExecutorOptions>;
  /** Messages of the log at `info` and above, with their fields. */
  readonly lines: string[];
}

/** A cluster with images of two versions, and options of a runner that is told `version`. */
async function told(version: string | undefined, pods: Partial<PodSettings> = {}): Promise<Told> {
  const world = await createKubernetesWorld({ images: [...IMAGES, "test.local/hybrid-runner:1"] });
  const lines: string[] = [];
  const write = (line: string): void => void lines.push(line);
  const here: Told = {
    world,
    version,
    lines,
    options: {
      pods: podSettings({ image: `${REPOSITORY}:1.13.3`, ...pods }),
      serverVersion: () => here.version,
      log: createLog({ clock: systemClock, level: "info", format: "json", write }),
    },
  };
  return here;
}

function imageIn({ spec }: PodTemplate): string | undefined {
  return spec.containers.find(({ name }) => name === "main")?.image;
}

function jobImages({ cluster }: KubernetesWorld): readonly (string | undefined)[] {
  return cluster.objects<Job>(JOBS, NAMESPACE).map(({ spec }) => imageIn(spec.template));
}

function cronJobs({ cluster }: KubernetesWorld): readonly CronJob[] {
  return cluster.objects<CronJob>(CRON_JOBS, NAMESPACE);
}

function cronImages(world: KubernetesWorld): readonly (string | undefined)[] {
  return cronJobs(world).map(({ spec }) => imageIn(spec.jobTemplate.spec.template));
}

async function deploymentsOf({ world, options }: Told): Promise<Deployments> {
  const { deployments } = await world.open(options);
  if (deployments === undefined) throw new Error("the executor keeps no deployments");
  return deployments;
}

describe("a run whose image is not of the server's version", () => {
  test("is refused with both versions and what to do, and nothing is made", LIMITS, async () => {
    const { world, options } = await told("1.14.0");
    const executor = await world.open(options);
    const refusal = await executor.start(specOf([])).catch((error: unknown) => error);
    expect(refusal).toMatchObject({
      code: "ImageVersionDiffers",
      retryable: false,
      message: expect.stringMatching(/test\.local\/ingestion:1\.13\.3.*image is of 1\.13\.3, the server of 1\.14\.0/),
      advice: expect.stringMatching(/DYNAMIC_INGESTION_VERSION_ENABLED.*INGESTION_DISABLE_VERSION_VALIDATION/),
    });
    expect([world.cluster.objects(JOBS, NAMESPACE), world.cluster.objects(SECRETS, NAMESPACE)]).toEqual([[], []]);
    const health = await executor.check();
    expect(health).toMatchObject({ healthy: false, message: expect.stringContaining("the server of 1.14.0") });
    expect(health.message).toContain("DYNAMIC_INGESTION_VERSION_ENABLED");
  });

  test("starts when the validation is disabled, which is told once", LIMITS, async () => {
    const { world, options, lines } = await told("1.14.0", { validatesVersion: false });
    const executor = await world.open(options);
    for (const spec of [specOf([]), specOf([])]) {
      await executor.start(spec);
      expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success" });
    }
    expect(jobImages(world)).toEqual([`${REPOSITORY}:1.13.3`, `${REPOSITORY}:1.13.3`]);
    expect(lines.filter((line) => line.includes("the server of 1.14.0"))).toHaveLength(1);
    expect(await executor.check()).toMatchObject({ healthy: true });
  });

  test("is not refused when its Job is there already", LIMITS, async () => {
    const here = await told("1.13.9");
    const executor = await here.world.open(here.options);
    const spec = specOf([]);
    expect(await executor.start(spec)).toBe("started");
    here.version = "1.14.0";
    expect(await executor.start(spec)).toBe("exists");
    await expect(executor.start(specOf([]))).rejects.toMatchObject({ code: "ImageVersionDiffers" });
  });

  test("is judged by the image that the custom container gives it", LIMITS, async () => {
    const { world, options } = await told("1.14.0", { container: { image: `${REPOSITORY}:1.14.0` } });
    const executor = await world.open(options);
    expect(await executor.start(specOf([]))).toBe("started");
    expect(await executor.check()).toMatchObject({ healthy: true });
  });

  test("may be one of a single pipeline type, which the check tells and other runs don't mind", LIMITS, async () => {
    const usage = { containers: [{ name: "main", image: `${REPOSITORY}:1.13.3` }] };
    const { world, options } = await told("1.14.0", { image: IMAGES[1] ?? "", byPipelineType: { usage } });
    const executor = await world.open(options);
    expect(await executor.start(specOf([]))).toBe("started");
    const other = executor.start({ ...specOf([]), pipelineType: "usage" });
    await expect(other).rejects.toMatchObject({ code: "ImageVersionDiffers" });
    expect(await executor.check()).toMatchObject({
      healthy: true,
      message: expect.stringMatching(/type usage are refused.*is of 1\.13\.3, the server of 1\.14\.0/),
    });
  });
});

describe("an image that follows the server", () => {
  test("has the server's version in the Job, and a retry keeps that of the first attempt", LIMITS, async () => {
    const here = await told("1.14.0", { followsServerVersion: true });
    const executor = await here.world.open(here.options);
    const spec = { ...specOf([{ exit: 3 }]), retries: 1, retryDelaySeconds: 1 };
    await executor.start(spec);
    await eventually(() => expect(here.world.pods(spec.runId)).toHaveLength(1), 10_000);
    here.version = "1.13.3";
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "failed", attempt: 2 });
    expect(jobImages(here.world)).toEqual([`${REPOSITORY}:1.14.0`, `${REPOSITORY}:1.14.0`]);
  });

  test("is used as it is configured where its tag holds no version, with one warning", LIMITS, async () => {
    const { world, options, lines } = await told("1.14.0", {
      followsServerVersion: true,
      image: `${REPOSITORY}:latest`,
    });
    const executor = await world.open(options);
    await executor.start(specOf([]));
    await executor.start(specOf([]));
    expect(jobImages(world)).toEqual([`${REPOSITORY}:latest`, `${REPOSITORY}:latest`]);
    expect(lines.filter((line) => line.includes("tag holds no version"))).toHaveLength(1);
  });

  test("stays as it is configured until the version is known, which is told once", LIMITS, async () => {
    const here = await told(undefined, { followsServerVersion: true });
    const executor = await here.world.open(here.options);
    await executor.start(specOf([]));
    await executor.start(specOf([]));
    expect(jobImages(here.world)).toEqual([`${REPOSITORY}:1.13.3`, `${REPOSITORY}:1.13.3`]);
    expect(here.lines.filter((line) => line.includes("The server's version is not known"))).toHaveLength(1);
    here.version = "1.14.0";
    await executor.start(specOf([]));
    expect(jobImages(here.world)).toContain(`${REPOSITORY}:1.14.0`);
  });
});

describe("a schedule", () => {
  test("is not deployed with an image of another version, unless it is switched off", LIMITS, async () => {
    const here = await told("1.14.0");
    const deployments = await deploymentsOf(here);
    await expect(deployments.put(SCHEDULED)).rejects.toMatchObject({
      code: "ImageVersionDiffers",
      message: expect.stringContaining("is of 1.13.3, the server of 1.14.0"),
    });
    expect([cronJobs(here.world), here.world.cluster.objects(SECRETS, NAMESPACE)]).toEqual([[], []]);
    await deployments.put({ ...SCHEDULED, enabled: false });
    expect(cronJobs(here.world)).toMatchObject([{ spec: { suspend: true } }]);
    const { schedule: _, ...onDemand } = SCHEDULED;
    await deployments.put({ ...onDemand, pipelineId: crypto.randomUUID() });
    expect(cronJobs(here.world)).toHaveLength(1);
  });

  test("that is there with an image that no longer fits is left alone, and can be switched off", LIMITS, async () => {
    const here = await told("1.13.0");
    const deployments = await deploymentsOf(here);
    await deployments.put(SCHEDULED);
    here.version = "1.14.0";
    here.world.cluster.requests.clear();
    await deployments.put(SCHEDULED);
    expect(here.world.cluster.requests.writes().filter(({ resource }) => resource === "cronjobs")).toEqual([]);
    const next = { ...SCHEDULED, generation: 4, hash: "b".repeat(64) };
    await expect(deployments.put(next)).rejects.toMatchObject({ code: "ImageVersionDiffers" });
    expect(await deployments.list()).toMatchObject([{ generation: 3, enabled: true }]);
    await deployments.put({ ...next, enabled: false });
    expect(await deployments.list()).toMatchObject([{ generation: 4, enabled: false }]);
  });

  test(
    "that goes on with an image that no longer fits is told by name, and mended by a runner with another image",
    LIMITS,
    async () => {
      const here = await told("1.13.0");
      const bodies = [
        SCHEDULED,
        { ...SCHEDULED, pipelineId: crypto.randomUUID(), name: "switched_off", enabled: false },
      ];
      const put = async (pods?: PodSettings): Promise<Executor> => {
        const changes = pods === undefined ? {} : { pods };
        const executor = await here.world.open({ ...here.options, ...changes, clock: HURRIED });
        for (const body of bodies) await executor.deployments?.put(body);
        return executor;
      };
      const executor = await put();
      expect((await executor.check()).message).not.toContain("CronJobs go on");
      here.version = "1.14.0";
      const words = `CronJobs go on starting runs with an ingestion image that is not of the server's version: ${SCHEDULED.name}`;
      expect((await executor.check()).message).toContain(words);
      expect((await executor.check()).message).not.toContain("switched_off");
      const over = new AbortController();
      const tended = executor.deployments?.tend?.(async () => false, over.signal);
      const lines = (): readonly string[] => here.lines.filter((line) => line.includes("CronJobs go on"));
      await eventually(() => expect(lines()).toHaveLength(1), 10_000);
      expect(lines()[0]).toContain(SCHEDULED.name);
      over.abort();
      await tended;

      const next = await put(podSettings({ image: IMAGES[1] ?? "" }));
      expect(cronImages(here.world)).toEqual([`${REPOSITORY}:1.14.0`, `${REPOSITORY}:1.14.0`]);
      expect(await next.check()).toMatchObject({ healthy: true });
      expect((await next.check()).message).not.toContain("CronJobs go on");
    },
  );

  test("follows the server's version, and nothing is written while that stays the same", LIMITS, async () => {
    const here = await told("1.13.9", { followsServerVersion: true });
    const deployments = await deploymentsOf(here);
    await deployments.put(SCHEDULED);
    expect(cronImages(here.world)).toEqual([`${REPOSITORY}:1.13.9`]);
    here.version = "1.14.0";
    await deployments.put(SCHEDULED);
    expect(cronImages(here.world)).toEqual([`${REPOSITORY}:1.14.0`]);
    const [before] = cronJobs(here.world);
    here.world.cluster.requests.clear();
    await deployments.put(SCHEDULED);
    expect(cronJobs(here.world)).toEqual([before]);
    expect(here.world.cluster.requests.count({ verb: "update", resource: "cronjobs" })).toBe(0);
  });

  test.each([
    ["by the runner from ConfigMaps", rulesFor(rightIds().filter((id) => id !== "cronjobs:create"))],
    ["by a runner that keeps nothing in the cluster", withoutConfigMaps()],
  ] as const)("that is fired %s is refused all the same", LIMITS, async (_name, rules) => {
    const here = await told("1.14.0");
    here.world.cluster.allow([
      ...rules.flatMap(({ apiGroups, resources, verbs }) =>
        apiGroups.flatMap((group) =>
          resources.map((resource) => ({ verb: verbs, group, resource, namespace: NAMESPACE })),
        ),
      ),
      { verb: "create", resource: "selfsubjectaccessreviews" },
    ]);
    const deployments = await deploymentsOf(here);
    expect(deployments.fires).toBe("runner");
    await expect(deployments.put(SCHEDULED)).rejects.toMatchObject({ code: "ImageVersionDiffers" });
    expect(await deployments.list()).toEqual([]);
  });
});

function withoutConfigMaps(): readonly RoleRule[] {
  return rulesFor(rightIds().filter((id) => id !== "cronjobs:create" && !id.startsWith("configmaps:")));
}
