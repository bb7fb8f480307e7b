import { expect, test } from "vitest";
import { pipelineObjectName } from "../../../../src/executor/pods/names.ts";
import { rightIds } from "../../../../src/executor/pods/rights/right-table.ts";
import { DOCUMENTED_RULES, rulesFor } from "../../../../src/executor/pods/rights/role.ts";
import { CONFIG_MAPS, CRON_JOBS, SECRETS } from "../../../../src/kubernetes/objects.ts";
import { TOKEN } from "../manifests/samples.ts";
import { ALL, deploymentsContract, names, openAt, pipeline } from "./deployments.contract.ts";
import { fakeSite } from "./fake-site.ts";

deploymentsContract(fakeSite);

test("a deployment whose answer got lost counts as done, and its Secret stays", async () => {
  const here = await fakeSite(ALL);
  const deployments = await openAt(here);
  const body = pipeline();
  here.cluster.fault({ match: { verb: "create", resource: "cronjobs" }, cut: "after", times: 1 });
  await deployments.put(body);
  here.cluster.fault({ match: { verb: "update", resource: "cronjobs" }, cut: "after", times: 1 });
  await deployments.put({ ...body, generation: 4, hash: "b".repeat(64) });
  expect(await deployments.list()).toMatchObject([{ generation: 4 }]);
  expect(await names(here, SECRETS)).toEqual([pipelineObjectName(body.pipelineId)]);
});

test("a deployment that meets changes of others reads anew and repeats, and gives up after a while with the reason", async () => {
  const here = await fakeSite(ALL);
  const deployments = await openAt(here);
  const body = pipeline();
  await deployments.put(body);
  const conflict = { match: { verb: "update", resource: "cronjobs" }, status: 409, reason: "Conflict" };
  here.cluster.fault({ ...conflict, times: 3 });
  await deployments.put({ ...body, generation: 4, hash: "b".repeat(64) });
  expect(await deployments.list()).toMatchObject([{ generation: 4 }]);
  here.cluster.fault(conflict);
  await expect(deployments.put({ ...body, generation: 5, hash: "c".repeat(64) })).rejects.toMatchObject({
    code: "ObjectUnsettled",
    retryable: true,
    cause: { code: "ApiConflict" },
  });
  expect(await deployments.list()).toMatchObject([{ generation: 4 }]);
});

const POLICY = "is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: not today";

test.each([
  ["a quota of CronJobs", "cronjobs", 403, "Forbidden", "exceeded quota: count/cronjobs.batch=1"],
  ["a policy on CronJobs", "cronjobs", 422, "Invalid", `cronjobs.batch "hr-x" ${POLICY}`],
  ["a policy on Secrets", "secrets", 422, "Invalid", `secrets "hr-x" ${POLICY}`],
])(
  "what refuses a schedule is told in the cluster's words, passes, and leaves nothing: %s",
  async (_what, resource, status, reason, message) => {
    const here = await fakeSite(ALL);
    const deployments = await openAt(here);
    here.cluster.fault({ match: { verb: "create", resource }, status, reason, message });
    await expect(deployments.put(pipeline())).rejects.toMatchObject({
      code: "RunNotAdmitted",
      retryable: true,
      cause: { message: expect.stringContaining(message) },
    });
    expect([await names(here, SECRETS), await names(here, CRON_JOBS)]).toEqual([[], []]);
  },
);

test("a list that grows too old between two pages begins anew", async () => {
  const here = await fakeSite(ALL);
  const deployments = await openAt(here);
  await deployments.put(pipeline());
  here.cluster.fault({ match: { verb: "list", resource: "cronjobs" }, status: 410, reason: "Expired", times: 2 });
  expect(await deployments.list()).toHaveLength(1);
});

test("what a schedule has fired costs one write each time", async () => {
  const here = await fakeSite(DOCUMENTED_RULES);
  const { records } = await openAt(here);
  const { pipelineId } = pipeline();
  await records?.write(pipelineId, "first");
  here.cluster.requests.clear();
  for (let count = 0; count < 5; count++) await records?.write(pipelineId, `text ${count}`);
  expect(here.cluster.requests.all.map(({ verb, resource }) => `${verb} ${resource}`)).toEqual(
    Array(5).fill("patch configmaps"),
  );
  expect([...((await records?.list()) ?? [])]).toEqual([[pipelineId, "text 4"]]);
});

test("a Secret that a crash left without its CronJob goes with the pipeline's removal", async () => {
  const here = await fakeSite(ALL);
  const deployments = await openAt(here);
  const body = pipeline();
  const name = pipelineObjectName(body.pipelineId);
  await deployments.put(body);
  await here.admin.remove(CRON_JOBS, here.namespace, name, { propagation: "Background" });
  expect(await names(here, SECRETS)).toEqual([name]);
  await deployments.remove(body.pipelineId);
  expect(await names(here, SECRETS)).toEqual([]);
});

test("Secrets are never read or listed, whatever is done", async () => {
  const here = await fakeSite(ALL);
  const deployments = await openAt(here);
  const body = pipeline();
  await deployments.put(body);
  await deployments.put({ ...body, generation: 4, hash: "b".repeat(64) });
  await deployments.list();
  await deployments.remove(body.pipelineId);
  const read = ["get", "list", "watch"].map((verb) => here.cluster.requests.count({ verb, resource: "secrets" }));
  expect(read).toEqual([0, 0, 0]);
});

test("without the right to keep ConfigMaps a deployment is left to the files, and remembered there", async () => {
  const here = await fakeSite(DOCUMENTED_RULES.filter(({ resources }) => !resources.includes("configmaps")));
  const deployments = await openAt(here);
  await deployments.put(pipeline());
  expect(deployments).toMatchObject({ fires: "runner" });
  expect([deployments.records, await deployments.list(), here.cluster.requests.writes()]).toEqual([undefined, [], []]);
});

test("where only CronJobs may not be made, ConfigMaps hold what is needed to fire, and no bot token", async () => {
  const here = await fakeSite(rulesFor(rightIds().filter((id) => id !== "cronjobs:create")));
  const deployments = await openAt(here);
  const body = pipeline();
  await deployments.put(body);
  const { pipelineId, generation, hash, enabled, schedule } = body;
  expect(await deployments.list()).toEqual([{ pipelineId, generation, hash, enabled, schedule }]);
  expect(JSON.stringify(await here.admin.list(CONFIG_MAPS, here.namespace))).not.toContain(TOKEN);
});
