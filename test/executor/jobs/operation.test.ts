import { describe, expect, test } from "vitest";
import { ANNOTATIONS } from "../../../src/executor/pods/labels.ts";
import { JOBS, type Job, type KubernetesEvent, PODS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, follow, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, NAMESPACE, podSettings } from "./kubernetes-world.ts";

const LIMITS = { timeout: 300_000 };

describe("making and releasing a run", () => {
  test("takes three writes: Job, Secret, and one patch at the release that sets its time-to-live", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([]);
    await executor.start(spec);
    await endOf(executor, spec.runId);
    const [before] = world.cluster.objects<Job>(JOBS, NAMESPACE);
    expect(before?.spec.ttlSecondsAfterFinished).toBeUndefined();
    await executor.release(spec.runId);
    const [after] = world.cluster.objects<Job>(JOBS, NAMESPACE);
    expect(after?.spec.ttlSecondsAfterFinished).toBe(3600);
    expect(after?.metadata.annotations?.[ANNOTATIONS.acknowledgedAt]).toMatch(/^\d+$/);
    expect(world.cluster.requests.writes().map(({ verb, resource }) => `${verb} ${resource}`)).toEqual([
      "create jobs",
      "create secrets",
      "patch jobs",
    ]);
  });

  test("survives the loss of the answer to each create", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    for (const resource of ["jobs", "secrets"]) {
      world.cluster.fault({ match: { verb: "create", resource }, cut: "after", times: 1 });
      const spec = specOf([]);
      expect(await executor.start(spec)).toBe("started");
      expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success" });
    }
    expect(world.cluster.objects(JOBS, NAMESPACE)).toHaveLength(2);
    expect(world.cluster.objects(SECRETS, NAMESPACE)).toHaveLength(2);
  });

  test("takes the Job back when its Secret can't be made, and says so", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    await executor.list();
    const spec = specOf([{ append: `${world.directory}/ledger` }]);
    world.cluster.fault({ match: { verb: "create", resource: "secrets" }, status: 422, message: "too long" });
    await expect(executor.start(spec)).rejects.toThrow();
    await eventually(() => expect(world.cluster.objects(JOBS, NAMESPACE)).toEqual([]), 10_000);
    await eventually(() => expect(world.cluster.objects(PODS, NAMESPACE)).toEqual([]), 10_000);
    expect(await executor.list()).toEqual([]);
    await expect(world.read("ledger")).rejects.toThrow();
  });

  test("refuses a Job of the same name that is another's", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const other = await world.open({ runnerId: "another", dataDirectory: `${world.directory}/other` });
    const spec = specOf([]);
    await other.start(spec);
    await expect(executor.start(spec)).rejects.toThrow(/another one has its name/);
  });

  test("tries a release again until the API server takes it", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([]);
    await executor.start(spec);
    await endOf(executor, spec.runId);
    const heal = world.cluster.fault({ match: { verb: "patch", resource: "jobs" }, status: 403, message: "not now" });
    const released = executor.release(spec.runId);
    await eventually(() => expect(world.cluster.requests.count({ verb: "patch", status: 403 })).toBeGreaterThan(0));
    expect(await executor.list()).toHaveLength(1);
    heal();
    await released;
    expect(await executor.list()).toEqual([]);
  });
});

describe("a run whose cluster is in trouble", () => {
  test("is told its true end after the API server was away", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ waitFor: `${world.directory}/gate` }, { exit: 4 }]);
    await executor.start(spec);
    await eventually(() => expect(world.pods(spec.runId)[0]?.status?.phase).toBe("Running"), 10_000);
    await world.cluster.stopServing();
    await world.touch("gate");
    await eventually(() => expect(world.pods(spec.runId)[0]?.status?.phase).toBe("Failed"), 10_000);
    world.cluster.compact();
    await world.cluster.serveAgain();
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "failed", exitCode: 4 });
  });

  test("is not lost by a watch of pods that says nothing", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.fault({ match: { verb: "watch", resource: "pods" }, silentWatch: true });
    const executor = await world.open();
    await executor.list();
    const spec = specOf([{ exit: 5 }]);
    await executor.start(spec);
    const end = await endOf(executor, spec.runId);
    expect(end).toMatchObject({ state: "failed", exitCode: 5, failure: { category: "ExitCode" } });
  });

  test.each([
    ["OOMKilled", "OOMKilled"],
    ["KILL", "Killed"],
  ] as const)("that is killed by %s fails with %s", LIMITS, async (how, category) => {
    const world = await createKubernetesWorld();
    const pods = podSettings({ resources: { pipeline: { limits: { memory: "96Mi" } }, automation: {} } });
    const executor = await world.open({ pods });
    const spec = specOf([{ sleep: 60_000 }]);
    await executor.start(spec);
    await eventually(() => expect(world.pods(spec.runId)[0]?.status?.phase).toBe("Running"), 10_000);
    await world.cluster.killPod(world.pods(spec.runId)[0]?.metadata.name ?? "", how);
    const end = await endOf(executor, spec.runId);
    expect(end.failure?.category).toBe(category);
    if (how === "OOMKilled") expect(end.failure?.summary).toContain("96Mi");
  });

  test.each([
    ["nodePressure", "Evicted"],
    ["api", "Evicted"],
    ["preemption", "Preempted"],
    ["nodeGone", "NodeLost"],
  ] as const)(
    "by %s gets one free attempt, and fails with %s when that is taken too",
    LIMITS,
    async (kind, category) => {
      const world = await createKubernetesWorld();
      const executor = await world.open();
      const spec = specOf([{ sleep: 60_000 }]);
      await executor.start(spec);
      const told = follow(executor, spec.runId);
      for (const attempt of ["", "-2"]) {
        const name = `hr-${spec.runId}${attempt}`;
        const pod = (): string | undefined =>
          world
            .pods(spec.runId)
            .find(({ metadata, status }) => metadata.name.slice(0, -6) === name && status?.phase === "Running")
            ?.metadata.name;
        await eventually(() => expect(pod()).toBeDefined(), 20_000);
        world.cluster.evictPod(pod() ?? "", kind);
      }
      const reports = await told;
      expect(reports.some(({ waiting }) => waiting?.includes(`because attempt 1: ${category}`))).toBe(true);
      expect(reports.at(-1)).toMatchObject({ state: "failed", attempt: 2, failure: { category } });
    },
  );

  test("is told what keeps it waiting, as it changes, and runs when that is over", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.node.refuse("0/1 nodes are available: 1 Insufficient cpu.");
    const executor = await world.open();
    const spec = specOf([]);
    await executor.start(spec);
    const reports: string[] = [];
    for await (const { state, waiting } of executor.observe(spec.runId, AbortSignal.timeout(30_000))) {
      reports.push(`${state} ${waiting ?? ""}`.trim());
      if (waiting?.includes("cpu")) world.cluster.node.refuse("0/1 nodes are available: 1 Insufficient memory.");
      if (waiting?.includes("memory")) world.cluster.node.refuse(undefined);
    }
    expect(reports).toEqual(
      expect.arrayContaining([
        "queued Unschedulable: 0/1 nodes are available: 1 Insufficient cpu.",
        "queued Unschedulable: 0/1 nodes are available: 1 Insufficient memory.",
        "success",
      ]),
    );
  });

  test("fails with Unschedulable after the start timeout, and its pod is gone by then", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.node.refuse("0/1 nodes are available: 1 Insufficient cpu.");
    const executor = await world.open({ startTimeoutMs: 3000 });
    const spec = specOf([{ append: `${world.directory}/ledger` }]);
    await executor.start(spec);
    expect(await endOf(executor, spec.runId)).toMatchObject({ failure: { category: "Unschedulable" } });
    expect(world.pods(spec.runId)).toEqual([]);
    world.cluster.node.refuse(undefined);
    expect(await executor.start(spec)).toBe("exists");
    await expect(world.read("ledger")).rejects.toThrow();
  });

  test("that waits for another attempt is stopped without one", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ exit: 3 }], { retries: 1, retryDelaySeconds: 600 });
    await executor.start(spec);
    const reports = follow(executor, spec.runId);
    for await (const report of executor.observe(spec.runId, AbortSignal.timeout(20_000))) {
      if (report.attempt === 2) await executor.stop(spec.runId);
      if (report.state === "stopped") break;
    }
    // As the attempt that was told of: an end of the first one would be no news to anybody.
    expect((await reports).at(-1)).toMatchObject({ attempt: 2, state: "stopped" });
    expect(world.cluster.objects(JOBS, NAMESPACE)).toHaveLength(1);
  });
});

describe("an executor with fewer rights", () => {
  const runs = [
    { verb: ["create", "get", "list", "watch", "patch", "delete"], resource: "jobs" },
    { verb: ["get", "list", "watch"], resource: "pods" },
    { verb: "get", resource: "pods/log" },
    { verb: ["create", "patch", "delete"], resource: "secrets" },
    { verb: "create", resource: "selfsubjectaccessreviews" },
  ];

  test("names the right without which nothing runs", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.allow(runs.filter(({ resource }) => resource !== "pods"));
    const executor = await world.open();
    expect(await executor.check()).toMatchObject({ healthy: false, message: expect.stringMatching(/list.* pods/) });
  });

  test("explains without events, and says so, where it may not read them", LIMITS, async () => {
    const world = await createKubernetesWorld();
    world.cluster.allow(runs);
    const executor = await world.open();
    const spec = specOf([{ exit: 3 }]);
    await executor.start(spec);
    expect((await endOf(executor, spec.runId)).failure).toMatchObject({
      category: "ExitCode",
      events: ["no events: the runner has no right to list events"],
    });
  });

  test("reads the events of what waits where it may list and not watch them", LIMITS, async () => {
    const world = await createKubernetesWorld({ without: ["jobs"] });
    world.cluster.allow([...runs, { verb: ["get", "list"], resource: "events" }]);
    const executor = await world.open();
    await executor.list();
    const spec = specOf([]);
    await executor.start(spec);
    world.cluster.put({
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "refused", namespace: NAMESPACE },
      involvedObject: { kind: "Job", name: `hr-${spec.runId}` },
      reason: "FailedCreate",
      type: "Warning",
      message: 'Error creating: pods "x" is forbidden: exceeded quota: small',
      lastTimestamp: new Date().toISOString(),
    } as KubernetesEvent);
    await eventually(async () => {
      const [report] = await executor.list();
      expect(report?.waiting).toMatch(/^Quota: .*exceeded quota: small/);
    }, 8000);
  });
});
