import { describe, expect, test } from "vitest";
import { retryJob } from "../../../src/executor/jobs/manifests/manifest.ts";
import { LABELS } from "../../../src/executor/pods/labels.ts";
import { JOBS, type Job, PODS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, NAMESPACE } from "./kubernetes-world.ts";

const OURS = [LABELS.runner, LABELS.managedBy, LABELS.component, LABELS.runId];

test.each(OURS)(
  "a running pod that loses the label %s isn't gone: its run is followed to its end",
  { timeout: 60_000 },
  async (label) => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ waitFor: `${world.directory}/go` }]);
    await executor.start(spec);
    await eventually(() => expect(executor.list()).resolves.toMatchObject([{ state: "running" }]), 20_000);
    const name = world.pods(spec.runId)[0]?.metadata.name ?? "";
    await (await world.client()).patch(PODS, NAMESPACE, name, { metadata: { labels: { [label]: null } } });
    // Asked for by the name of its Job, once it has left the selection.
    if (label !== LABELS.runId)
      await eventually(() => {
        const lists = world.cluster.requests.all.filter(({ verb, resource }) => verb === "list" && resource === "pods");
        expect(lists.length).toBeGreaterThan(1);
      }, 20_000);
    await world.touch("go");
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success", attempt: 1, exitCode: 0 });
  },
);

describe.each(OURS)("a Job that loses the label %s", (label) => {
  test.each(["it was", "comes back after a restart"])(
    "is followed to its end by the runner that %s, and removed as others are",
    { timeout: 60_000 },
    async (who) => {
      const world = await createKubernetesWorld();
      const first = await world.open({ ttlSecondsAfterFinished: 0 });
      const spec = specOf([{ waitFor: `${world.directory}/go` }]);
      await first.start(spec);
      await eventually(() => expect(first.list()).resolves.toMatchObject([{ state: "running" }]), 20_000);
      if (who !== "it was") await first.close();
      const name = `hr-${spec.runId}`;
      const made = world.cluster.objects(JOBS, NAMESPACE)[0]?.metadata.labels?.[label];
      await (await world.client()).patch(JOBS, NAMESPACE, name, { metadata: { labels: { [label]: null } } });
      const executor = who === "it was" ? first : await world.open({ ttlSecondsAfterFinished: 0 });
      expect(await executor.list()).toMatchObject([{ runId: spec.runId, state: "running", attempt: 1 }]);
      // Where it has left the selection of the watch, it comes back to it.
      const labels = (): unknown => world.cluster.objects(JOBS, NAMESPACE)[0]?.metadata.labels?.[label];
      if (label !== LABELS.runId) await eventually(() => expect(labels()).toBe(made), 30_000);
      await world.touch("go");
      const { pipelineId } = spec;
      expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success", attempt: 1, pipelineId });
      await executor.release(spec.runId);
      await eventually(() => {
        expect(world.cluster.objects(JOBS, NAMESPACE)).toEqual([]);
        expect(world.cluster.objects(SECRETS, NAMESPACE)).toEqual([]);
      }, 20_000);
    },
  );
});

test("another attempt has the labels that the Job of the one before has lost", () => {
  const labels = { [LABELS.managedBy]: "hybrid-runner", [LABELS.runner]: "alpha", [LABELS.component]: "run" };
  const previous: Job = {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name: "hr-x", labels: { [LABELS.runner]: "beta" } },
    spec: { template: { metadata: { labels }, spec: { containers: [{ name: "main" }] } } },
  };
  expect(retryJob(previous, "x", 2).metadata.labels).toMatchObject(labels);
});
