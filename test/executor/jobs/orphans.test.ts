import { describe, expect, test } from "vitest";
import { JOBS, PODS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, type KubernetesWorld, NAMESPACE } from "./kubernetes-world.ts";

const LIMITS = { timeout: 300_000 };

/** As `kubectl delete job --cascade=orphan` does it. */
async function orphan(world: KubernetesWorld, runId: string): Promise<void> {
  await eventually(() => expect(world.pods(runId)[0]?.status?.phase).toBe("Running"), 20_000);
  await (await world.client()).remove(JOBS, NAMESPACE, `hr-${runId}`, { propagation: "Orphan" });
  await eventually(() => expect(world.cluster.objects(JOBS, NAMESPACE)).toEqual([]), 10_000);
  expect(world.cluster.objects(PODS, NAMESPACE)).toHaveLength(1);
}

async function expectNothingLeft(world: KubernetesWorld): Promise<void> {
  await eventually(() => {
    const { cluster } = world;
    const left = [
      ...cluster.objects(JOBS, NAMESPACE),
      ...cluster.objects(PODS, NAMESPACE),
      ...cluster.objects(SECRETS, NAMESPACE),
    ];
    expect(left).toEqual([]);
  }, 20_000);
}

describe("a run whose Job was deleted without its pod", () => {
  test("is followed to its true end, and nothing of it stays", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ waitFor: `${world.directory}/go` }]);
    await executor.start(spec);
    await orphan(world, spec.runId);
    await world.touch("go");
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success", exitCode: 0 });
    await executor.release(spec.runId);
    await expectNothingLeft(world);
  });

  test("is found by a runner that comes back, by the pod alone, and followed as well", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const first = await world.open();
    const spec = specOf([{ waitFor: `${world.directory}/go` }, { exit: 3 }]);
    await first.start(spec);
    await orphan(world, spec.runId);
    await first.close();
    const second = await world.open();
    expect(await second.list()).toMatchObject([
      { runId: spec.runId, pipelineId: spec.pipelineId, state: "running", attempt: 1 },
    ]);
    await world.touch("go");
    expect(await endOf(second, spec.runId)).toMatchObject({
      state: "failed",
      exitCode: 3,
      failure: { category: "ExitCode" },
    });
    await second.release(spec.runId);
    await expectNothingLeft(world);
  });

  test("is ended by a stop", LIMITS, async () => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ sleep: 60_000 }]);
    await executor.start(spec);
    await orphan(world, spec.runId);
    await executor.stop(spec.runId);
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "failed", failure: { category: "JobDeleted" } });
    await executor.release(spec.runId);
    await expectNothingLeft(world);
  });
});
