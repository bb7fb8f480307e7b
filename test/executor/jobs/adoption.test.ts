import { describe, expect, onTestFinished, test } from "vitest";
import { LABELS } from "../../../src/executor/pods/labels.ts";
import { JOBS, type Job, PODS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, follow, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, NAMESPACE } from "./kubernetes-world.ts";

const LIMITS = { timeout: 300_000 };

describe("a runner that starts anew", () => {
  test("makes no object and no pod for fifty that wait, and lists them all", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.node.refuse("0/1 nodes are available: 1 Insufficient cpu.");
    const first = await world.open();
    const specs = Array.from({ length: 50 }, () => specOf([]));
    await Promise.all(specs.map((spec) => first.start(spec)));
    await eventually(() => expect(world.cluster.objects(PODS, NAMESPACE)).toHaveLength(50), 10_000);
    await first.close();
    world.cluster.requests.clear();
    const second = await world.open();
    const listed = await second.list();
    expect(new Set(listed.map(({ runId }) => runId))).toEqual(new Set(specs.map(({ runId }) => runId)));
    expect(listed.every(({ state }) => state === "queued")).toBe(true);
    await eventually(async () => {
      const waiting = (await second.list()).map((report) => report.waiting ?? "");
      expect(waiting.every((text) => text.startsWith("Unschedulable: 0/1 nodes"))).toBe(true);
    });
    expect(world.cluster.requests.writes()).toEqual([]);
    expect(world.cluster.objects(PODS, NAMESPACE)).toHaveLength(50);
  });

  test("writes nothing while it is standby, however much there is to do", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const active = await world.open();
    const spec = specOf([{ exit: 3 }], { retries: 1, retryDelaySeconds: 0 });
    await active.start(spec);
    await active.close();
    await eventually(() => {
      const [job] = world.cluster.objects(JOBS, NAMESPACE);
      expect(job?.status?.conditions?.some(({ type }) => type === "Failed")).toBe(true);
    });
    world.cluster.requests.clear();
    let isStandby = true;
    const standby = await world.open({ isStandby: () => isStandby });
    expect(await standby.list()).toMatchObject([{ runId: spec.runId, state: "queued", attempt: 2 }]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(world.cluster.requests.writes()).toEqual([]);
    isStandby = false;
    expect(await endOf(standby, spec.runId)).toMatchObject({ state: "failed", attempt: 2 });
  });

  test(
    "fails a run as Lost whose Job was left without its configuration, by a dry run and without reading Secrets",
    LIMITS,
    async () => {
      const world = await createKubernetesWorld();
      const first = await world.open();
      const spec = specOf([]);
      const heal = world.cluster.fault({ match: { verb: "create", resource: "secrets" }, status: 403, message: "no" });
      const noDelete = world.cluster.fault({ match: { verb: "delete", resource: "jobs" }, status: 403, message: "no" });
      await expect(first.start(spec)).rejects.toThrow(/no/);
      heal();
      noDelete();
      await first.close();
      const [left] = world.cluster.objects<Job>(JOBS, NAMESPACE);
      if (left === undefined) throw new Error("the Job is not there");
      const creationTimestamp = new Date(Date.now() - 60_000).toISOString();
      world.cluster.put({ ...left, metadata: { ...left.metadata, creationTimestamp } });
      const second = await world.open();
      await second.list();
      expect(await endOf(second, spec.runId)).toMatchObject({
        state: "failed",
        failure: { category: "Lost", detail: expect.stringContaining("configuration") },
      });
      expect(world.cluster.objects(SECRETS, NAMESPACE)).toEqual([]);
      expect(world.cluster.requests.count({ resource: "secrets", verb: "get" })).toBe(0);
      expect(world.cluster.requests.count({ resource: "secrets", verb: "list" })).toBe(0);
    },
  );

  test("doesn't ask for the configuration of a run as long as its pod has no node", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.node.refuse("0/1 nodes are available: 1 Insufficient cpu.");
    const first = await world.open();
    const spec = specOf([]);
    await first.start(spec);
    await eventually(() => expect(world.pods(spec.runId)).toHaveLength(1), 10_000);
    await first.close();
    const [waiting] = world.cluster.objects<Job>(JOBS, NAMESPACE);
    if (waiting === undefined) throw new Error("the Job is not there");
    const creationTimestamp = new Date(Date.now() - 60_000).toISOString();
    world.cluster.put({ ...waiting, metadata: { ...waiting.metadata, creationTimestamp } });
    const second = await world.open({ startTimeoutMs: 300_000 });
    world.cluster.requests.clear();
    expect(await second.list()).toMatchObject([{ runId: spec.runId, state: "queued" }]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(world.cluster.requests.count({ resource: "secrets" })).toBe(0);
    world.cluster.node.refuse(undefined);
    const end = await endOf(second, spec.runId);
    expect(end, JSON.stringify(end)).toMatchObject({ state: "success" });
  });

  test("tells a run as Lost, with evidence, whose pod vanished while it was away", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const first = await world.open();
    const spec = specOf([{ say: "up\n" }, { waitFor: `${world.directory}/never` }]);
    await first.start(spec);
    await eventually(() => expect(world.pods(spec.runId)[0]?.status?.phase).toBe("Running"), 10_000);
    await first.close();
    world.cluster.remove(PODS, world.pods(spec.runId)[0]?.metadata.name ?? "", 0);
    await eventually(() => expect(world.pods(spec.runId)).toEqual([]), 10_000);
    const second = await world.open();
    await second.list();
    const end = await endOf(second, spec.runId);
    expect(end.failure?.category).toMatch(/^(Lost|PodDeleted)$/);
    expect(end.failure?.detail).toContain("BackoffLimitExceeded");
  });

  test("goes on with a retry that the one before it had announced", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const first = await world.open();
    const spec = specOf([{ append: `${world.directory}/ledger` }, { exit: 3 }], { retries: 1, retryDelaySeconds: 3 });
    await first.start(spec);
    for await (const report of first.observe(spec.runId, AbortSignal.timeout(20_000))) if (report.attempt === 2) break;
    await first.close();
    const second = await world.open();
    expect(await second.list()).toMatchObject([
      { state: "queued", attempt: 2, waiting: expect.stringContaining("attempt 2 in 3 s") },
    ]);
    expect(await endOf(second, spec.runId)).toMatchObject({ state: "failed", attempt: 2, exitCode: 3 });
    expect((await world.read("ledger")).trim().split("\n")).toHaveLength(2);
  });

  test("leaves out what is acknowledged, and what another runner made", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([]);
    await executor.start(spec);
    await endOf(executor, spec.runId);
    const other = await world.open({ runnerId: "another", dataDirectory: `${world.directory}/other` });
    expect(await other.list()).toEqual([]);
    await executor.release(spec.runId);
    await executor.close();
    const second = await world.open();
    expect(await second.list()).toEqual([]);
    // Whoever asks is told still.
    expect((await follow(second, spec.runId)).at(-1)).toMatchObject({ state: "success" });
  });
});

describe("runs that the cluster's schedules start", () => {
  test("are discovered once, by the UID of their Job, and released like others", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    await executor.list();
    const pipelineId = crypto.randomUUID();
    await executor.deployments?.put({
      pipelineId,
      generation: 1,
      hash: "a".repeat(64),
      name: "shop_metadata",
      fullyQualifiedName: "shop.shop_metadata",
      pipelineType: "metadata",
      enabled: true,
      schedule: { cron: "0 3 * * *", timeZone: "UTC" },
      config: { steps: [{ print: "pipelineRunId" }] },
    });
    const job = world.cluster.fireCronJob(`hr-${pipelineId}`);
    const stop = new AbortController();
    onTestFinished(() => stop.abort());
    const found: string[] = [];
    const reading = (async () => {
      for await (const report of executor.discover?.(stop.signal) ?? []) {
        found.push(report.runId);
        expect(report.pipelineId).toBe(pipelineId);
      }
    })();
    await eventually(() => expect(found).toHaveLength(1), 10_000);
    const [runId = ""] = found;
    const made = world.cluster.objects<Job>(JOBS, NAMESPACE).find(({ metadata }) => metadata.name === job);
    expect(made?.metadata.uid).toBe(runId);
    expect(made?.metadata.labels?.[LABELS.runId]).toBeUndefined();
    expect(await endOf(executor, runId)).toMatchObject({ state: "success" });
    await eventually(async () => {
      expect((await executor.readLog(runId, 0, 1000)).text).toContain(`pipelineRunId=${runId}`);
    });
    await executor.release(runId);
    expect(await executor.list()).toEqual([]);
    expect(found).toHaveLength(1);
    stop.abort();
    await reading;
  });
});
