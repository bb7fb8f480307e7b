import { expect, onTestFinished, test } from "vitest";
import { type Clock, systemClock } from "../../../../src/base/clock.ts";
import { createLog } from "../../../../src/base/log.ts";
import type { Executor, RunReport } from "../../../../src/executor/executor.ts";
import { containerState } from "../../../../src/executor/pods/judge/facts.ts";
import { ANNOTATIONS, LABELS } from "../../../../src/executor/pods/labels.ts";
import { MAIN } from "../../../../src/executor/pods/template/pod-names.ts";
import { JOBS, type Job, PODS, type Pod } from "../../../../src/kubernetes/objects.ts";
import type { Json, PipelineBody } from "../../../../src/protocol/messages.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { endOf, type ProgramStep, specOf } from "../../executor.contract.ts";
import { createKubernetesWorld, type KubernetesWorld, NAMESPACE } from "../kubernetes-world.ts";

/* One run of a pipeline at a time (docs/adr/0019), where the cluster fires. */

const LIMITS = { timeout: 300_000 };
const LONG = [{ sleep: 60_000 }];
const IMAGE = "test.local/ingestion:1";

interface Watched {
  readonly executor: Executor;
  /** Runs of schedules that were told of, by id. */
  readonly found: Map<string, RunReport>;
  readonly fires: ("started" | "skipped")[];
  readonly warnings: string[];
}

async function watched(world: KubernetesWorld, clock: Clock = systemClock): Promise<Watched> {
  const [found, fires, warnings] = [new Map<string, RunReport>(), [] as ("started" | "skipped")[], [] as string[]];
  const write = (line: string): void => void warnings.push(line);
  const executor = await world.open({
    clock,
    log: createLog({ clock, level: "warn", format: "json", write }),
    onFire: (result) => fires.push(result),
  });
  for (const report of await executor.list()) found.set(report.runId, report);
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  void (async () => {
    for await (const report of executor.discover?.(stop.signal) ?? []) found.set(report.runId, report);
  })();
  return { executor, found, fires, warnings };
}

function scheduled(pipelineId: string, steps: readonly ProgramStep[]): PipelineBody {
  return {
    pipelineId,
    generation: 1,
    hash: "a".repeat(64),
    name: "shop_metadata",
    fullyQualifiedName: "shop.shop_metadata",
    pipelineType: "metadata",
    enabled: true,
    schedule: { cron: "0 3 * * *", timeZone: "UTC" },
    config: { steps: steps as unknown as Json[] },
  };
}

/** Fires the pipeline's CronJob as soon as it may. Answers the Job's name and UID. */
function fire(world: KubernetesWorld, pipelineId: string): Promise<{ readonly name: string; readonly runId: string }> {
  return eventually(() => {
    const name = world.cluster.fireCronJob(`hr-${pipelineId}`, NAMESPACE);
    if (name === undefined) throw new Error("the CronJob has a Job that hasn't ended");
    return { name, runId: jobNamed(world, name)?.metadata.uid ?? "" };
  });
}

function jobNamed(world: KubernetesWorld, name: string): Job | undefined {
  return world.cluster.objects<Job>(JOBS, NAMESPACE).find(({ metadata }) => metadata.name === name);
}

test(
  "a schedule that fires beside an ordered run is skipped: no run is told of, nothing stays, the other goes on",
  LIMITS,
  async () => {
    const world = await createKubernetesWorld();
    const { executor, found, fires, warnings } = await watched(world);
    const spec = specOf(LONG);
    await executor.deployments?.put(scheduled(spec.pipelineId, LONG));
    await executor.start(spec);
    const { name, runId } = await fire(world, spec.pipelineId);
    expect(runId).not.toBe("");
    await eventually(() => expect(jobNamed(world, name)).toBeUndefined(), 20_000);
    await eventually(() => expect(fires).toEqual(["skipped"]));
    expect([...found.keys()]).toEqual([]);
    expect(warnings.join()).toContain(spec.runId);
    expect(await executor.list()).toMatchObject([{ runId: spec.runId }]);
    await executor.stop(spec.runId);
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "stopped" });

    const next = await fire(world, spec.pipelineId);
    await eventually(() => expect([...found.keys()]).toEqual([next.runId]), 20_000);
    expect(fires).toEqual(["skipped", "started"]);
    await executor.stop(next.runId);
  },
);

test(
  "a schedule that fires beside a retry of its own run, of which its CronJob knows nothing, is skipped",
  LIMITS,
  async () => {
    const world = await createKubernetesWorld();
    const { executor, found, fires } = await watched(world);
    const body = { ...scheduled(crypto.randomUUID(), [{ exit: 3 }]), retries: 3, retryDelaySeconds: 600 };
    await executor.deployments?.put(body);
    const first = await fire(world, body.pipelineId);
    await eventually(async () => {
      expect(await executor.list()).toMatchObject([{ runId: first.runId, state: "queued", attempt: 2 }]);
    }, 30_000);
    const second = await fire(world, body.pipelineId);
    await eventually(() => expect(jobNamed(world, second.name)).toBeUndefined(), 20_000);
    await eventually(() => expect(fires).toEqual(["started", "skipped"]));
    expect([...found.keys()]).toEqual([first.runId]);
  },
);

test("a runner that comes back ends what has not begun beside a live run, and skips it once", LIMITS, async () => {
  const world = await createKubernetesWorld();
  const before = await watched(world);
  const spec = specOf(LONG);
  await before.executor.deployments?.put(scheduled(spec.pipelineId, LONG));
  await before.executor.start(spec);
  await eventually(async () => expect(await before.executor.list()).toMatchObject([{ state: "running" }]), 20_000);
  await before.executor.close();
  world.cluster.images.delete(IMAGE);
  const { name } = await fire(world, spec.pipelineId);
  const { fires, found } = await watched(world);
  await eventually(() => expect(jobNamed(world, name)).toBeUndefined(), 20_000);
  await eventually(() => expect(fires).toEqual(["skipped"]));
  expect([...found.keys()]).toEqual([spec.runId]);
});

test("a runner that comes back leaves two runs that have both gone on for a while, and says so", LIMITS, async () => {
  const world = await createKubernetesWorld();
  const before = await watched(world);
  const spec = specOf(LONG);
  await before.executor.deployments?.put(scheduled(spec.pipelineId, LONG));
  await before.executor.start(spec);
  await eventually(async () => expect(await before.executor.list()).toMatchObject([{ state: "running" }]), 20_000);
  await before.executor.close();
  const { name, runId } = await fire(world, spec.pipelineId);
  await eventually(() => expect(hasBegun(world, name)).toBe(true), 20_000);
  const later: Clock = { ...systemClock, now: () => Date.now() + 60_000 };
  const { executor, warnings } = await watched(world, later);
  await eventually(() => expect(warnings.join()).toContain("go on beside each other"), 20_000);
  expect((await executor.list()).map((report) => report.runId).sort()).toEqual([spec.runId, runId].sort());
  expect(jobNamed(world, name)?.metadata.annotations?.[ANNOTATIONS.stopRequestedAt]).toBeUndefined();
  for (const id of [spec.runId, runId]) await executor.stop(id);
});

test(
  "a scheduled run that has just begun when it meets a live one is stopped, and told as that with the reason",
  LIMITS,
  async () => {
    const world = await createKubernetesWorld();
    const before = await watched(world);
    const spec = specOf(LONG);
    await before.executor.deployments?.put(scheduled(spec.pipelineId, LONG));
    await before.executor.start(spec);
    await before.executor.close();
    const { name, runId } = await fire(world, spec.pipelineId);
    await eventually(() => expect(hasBegun(world, name)).toBe(true), 20_000);
    const { executor, found, fires } = await watched(world);
    const end = await eventually(async () => {
      const report = (await executor.list()).find((one) => one.runId === runId);
      expect(report?.state).toBe("stopped");
      return report;
    }, 20_000);
    expect(end?.proof).toContain(`run ${spec.runId} of its pipeline was live`);
    expect(found.has(spec.runId)).toBe(true);
    expect(fires).not.toContain("skipped");
    await executor.stop(spec.runId);
  },
);

/** True when the program of a Job's pod runs. */
function hasBegun(world: KubernetesWorld, jobName: string): boolean {
  const pods = world.cluster.objects<Pod>(PODS, NAMESPACE);
  const pod = pods.find(({ metadata }) => metadata.labels?.[LABELS.jobName] === jobName);
  return containerState(pod, MAIN)?.running !== undefined;
}
