import { expect, test } from "vitest";
import type { Executor, RunReport } from "../../../src/executor/executor.ts";
import { FEATURES, featureOf, RIGHTS, type RightId, rightIds } from "../../../src/executor/pods/rights/right-table.ts";
import { DOCUMENTED_RULES, type RoleRule, rulesFor } from "../../../src/executor/pods/rights/role.ts";
import { CONFIG_MAPS, SECRETS } from "../../../src/kubernetes/objects.ts";
import { isTerminal } from "../../../src/protocol/run-state.ts";
import { eventually } from "../../fakes/eventually.ts";
import type { FakeCluster } from "../../fakes/kubernetes/fake-cluster.ts";
import { specOf } from "../executor.contract.ts";
import { createKubernetesWorld, NAMESPACE } from "./kubernetes-world.ts";

function allow(cluster: FakeCluster, rules: readonly RoleRule[]): void {
  const rights = rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.map((resource) => ({ verb: verbs, group, resource, namespace: NAMESPACE }))),
  );
  cluster.allow([...rights, { verb: "create", resource: "selfsubjectaccessreviews" }]);
}

async function endOf(executor: Executor, runId: string): Promise<RunReport> {
  for await (const report of executor.observe(runId, AbortSignal.timeout(30_000))) {
    if (isTerminal(report.state)) return report;
  }
  throw new Error("no end");
}

async function logOf(executor: Executor, runId: string): Promise<string> {
  let piece = await executor.readLog(runId, 0, 65_536);
  await eventually(async () => {
    piece = await executor.readLog(runId, 0, 65_536);
    expect(piece.ended).toBe(true);
  });
  return piece.text;
}

const optional = rightIds().filter((id) => !FEATURES[featureOf(id)].needed);
const needed = rightIds().filter((id) => FEATURES[featureOf(id)].needed);

test("with the printed Role a run goes from start to release, and nothing is asked for beyond it", async () => {
  const world = await createKubernetesWorld();
  allow(world.cluster, rulesFor(rightIds()));
  const executor = await world.open();
  await executor.list();
  const spec = specOf([{ print: "hello" }]);
  await executor.start(spec);
  expect(world.cluster.objects(SECRETS, NAMESPACE)).toHaveLength(1);
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success" });
  expect(await logOf(executor, spec.runId)).toContain("hello");
  const stopped = specOf([{ sleep: 60_000 }]);
  await executor.start(stopped);
  await executor.stop(stopped.runId);
  expect(await endOf(executor, stopped.runId)).toMatchObject({ state: "stopped" });
  await executor.release(spec.runId);
  await executor.release(stopped.runId);
  expect(world.cluster.requests.all.filter(({ status }) => status === 403)).toEqual([]);
});

test("with the documented Role a run goes from start to release, and nothing is asked for beyond it", async () => {
  const world = await createKubernetesWorld();
  allow(world.cluster, DOCUMENTED_RULES);
  const executor = await world.open();
  await executor.list();
  const spec = specOf([{ print: "hello" }]);
  await executor.start(spec);
  const holders = world.cluster.objects(CONFIG_MAPS, NAMESPACE).map(({ metadata }) => metadata.name);
  expect([holders.some((name) => name.includes(spec.runId)), world.cluster.objects(SECRETS, NAMESPACE)]).toEqual([
    true,
    [],
  ]);
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success" });
  expect(await logOf(executor, spec.runId)).toContain("hello");
  const { message } = await executor.check();
  expect(message).toContain("no right to create, patch, delete secrets");
  await executor.release(spec.runId);
  expect(world.cluster.requests.all.filter(({ status }) => status === 403)).toEqual([]);
});

test.each(optional)("without %s a run goes on to success, and health says what is without it", async (gone) => {
  const world = await createKubernetesWorld();
  allow(world.cluster, rulesFor(rightIds().filter((id) => id !== gone)));
  const executor = await world.open();
  await executor.list();
  const spec = specOf([{ print: "hello" }]);
  await executor.start(spec);
  expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success" });
  const log = await logOf(executor, spec.runId);
  if (gone === "pods/log:get") expect(log).toMatch(/no right|forbidden/i);
  else expect(log).toContain("hello");
  const health = await executor.check();
  expect(health).toMatchObject({ healthy: true, message: expect.stringContaining(FEATURES[featureOf(gone)].without) });
});

test.each(needed)("without %s health says that nothing runs, and why", async (gone: RightId) => {
  const world = await createKubernetesWorld();
  allow(world.cluster, rulesFor(rightIds().filter((id) => id !== gone)));
  const executor = await world.open();
  const [resource, verb] = gone.split(":");
  expect(await executor.check()).toMatchObject({
    healthy: false,
    message: expect.stringContaining(`no right to ${verb} ${resource}`),
  });
});

test("an order that a missing right keeps from being carried out is refused with the lines that end it", async () => {
  const world = await createKubernetesWorld();
  allow(world.cluster, rulesFor(rightIds().filter((id) => id !== "jobs:create")));
  const executor = await world.open();
  const { group } = RIGHTS["jobs:create"];
  await expect(executor.start(specOf([{ print: "hello" }]))).rejects.toMatchObject({
    code: "RightMissing",
    advice: expect.stringContaining(`{apiGroups: ["${group}"], resources: ["jobs"], verbs: ["create"]}`),
  });
});
