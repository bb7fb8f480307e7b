import { expect, onTestFinished, test } from "vitest";
import { createKubernetesExecutor } from "../../src/executor/jobs/kubernetes-executor.ts";
import { endOf, specOf } from "../executor/executor.contract.ts";
import { PIPELINE } from "../executor/jobs/manifests/samples.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { objects, stopSchedulesAfter } from "./cluster-site.ts";
import { kubectl } from "./cluster-tool.ts";
import { clusterApi, clusterOptions } from "./cluster-world.ts";
import { temporaryNamespace } from "./namespace.ts";

const SLEEP = ["sh", "-c", "sleep 600"];

test("a schedule that fires beside an ordered run is skipped: no program begins, and nothing stays of it", {
  timeout: 300_000,
}, async () => {
  const namespace = await temporaryNamespace("give-way");
  stopSchedulesAfter(namespace);
  const api = await clusterApi();
  const fires: string[] = [];
  const options = await clusterOptions(api, namespace, await temporaryDirectory(), {
    onFire: (what) => fires.push(what),
  });
  const command = { pipeline: SLEEP, automation: SLEEP, application: SLEEP };
  const pods = { ...options.pods, image: "test.local/busybox:1", command, podSpec: {}, container: {} };
  const executor = await createKubernetesExecutor({ ...options, pods, secretsMode: "native" });
  onTestFinished(async () => {
    await executor.close();
    await api.close();
  });
  await executor.list();
  const spec = specOf([]);
  await executor.deployments?.put({ ...PIPELINE, pipelineId: spec.pipelineId, retries: 0 });
  await executor.start(spec);
  await eventually(async () => expect(await executor.list()).toMatchObject([{ state: "running" }]), 60_000);

  await kubectl("-n", namespace, "create", "job", "fired", `--from=cronjob/hr-${spec.pipelineId}`);
  await eventually(() => expect(fires).toEqual(["skipped"]), 60_000);
  await eventually(async () => expect(await objects(namespace, "jobs")).toHaveLength(1), 60_000);
  await eventually(async () => expect(await objects(namespace, "pods")).toHaveLength(1), 60_000);
  expect(await executor.list()).toMatchObject([{ runId: spec.runId, state: "running" }]);

  await executor.stop(spec.runId);
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "stopped" });
  await kubectl("-n", namespace, "create", "job", "fired-again", `--from=cronjob/hr-${spec.pipelineId}`);
  await eventually(async () => {
    expect((await executor.list()).map(({ state }) => state).sort()).toEqual(["running", "stopped"]);
  }, 60_000);
});
