import { expect, onTestFinished, test } from "vitest";
import { createLog, silentLog } from "../../../../src/base/log.ts";
import { explainForbidden } from "../../../../src/executor/pods/rights/explain-forbidden.ts";
import { KeptRights, REVIEW_EVERY_MS, REVIEW_SOON_MS } from "../../../../src/executor/pods/rights/kept-rights.ts";
import { reviewRights } from "../../../../src/executor/pods/rights/review-rights.ts";
import { rightIds } from "../../../../src/executor/pods/rights/right-table.ts";
import { rightsWithout } from "../../../../src/executor/pods/rights/rights.ts";
import { DOCUMENTED_RULES, rightsIn, ruleLines, rulesFor } from "../../../../src/executor/pods/rights/role.ts";
import { unreadableLogs } from "../../../../src/executor/pods/rights/unreadable-logs.ts";
import { CONFIG_MAPS, CRON_JOBS } from "../../../../src/kubernetes/objects.ts";
import { FakeClock } from "../../../fakes/clock.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { ALL } from "../../jobs/deployments/deployments.contract.ts";
import { fakeSite } from "../../jobs/deployments/fake-site.ts";

const without = (...gone: readonly string[]): ReturnType<typeof rulesFor> =>
  rulesFor(rightIds().filter((id) => !gone.includes(id)));

test("rights that are missing are told at start by what they are for, each with the lines that end it", async () => {
  const here = await fakeSite(DOCUMENTED_RULES);
  const lines: string[] = [];
  const clock = new FakeClock();
  const log = createLog({ clock, level: "info", format: "json", write: (line) => lines.push(line) });
  const rights = await KeptRights.open({ api: here.api, namespace: here.namespace, clock, log });
  onTestFinished(() => rights.close());
  const told = lines.map((line) => JSON.parse(line) as Record<string, string>);
  expect(told.map(({ level, rights: ids }) => [level, ids])).toEqual([
    ["warn", "secrets:create, secrets:patch, secrets:delete"],
    ["warn", "cronjobs:create, cronjobs:get, cronjobs:list, cronjobs:update, cronjobs:delete"],
    ["warn", "cronjobs:watch"],
    ["warn", "events:watch"],
  ]);
  expect(told[0]?.["without"]).toContain("bot token");
  expect(told[0]?.["next"]).toContain(
    '- {apiGroups: [""], resources: ["secrets"], verbs: ["create", "patch", "delete"]}',
  );
});

test("rights are reviewed now and then; what was decided at start stays, the rest follows", async () => {
  const here = await fakeSite(without("events:list"));
  const lines: string[] = [];
  const clock = new FakeClock();
  const log = createLog({ clock, level: "info", format: "json", write: (line) => lines.push(line) });
  const rights = await KeptRights.open({ api: here.api, namespace: here.namespace, clock, log });
  onTestFinished(() => rights.close());
  expect(rights.readsEvents).toBe(false);
  lines.length = 0;
  await here.grant(without("secrets:create"));
  await clock.advance(REVIEW_EVERY_MS);
  await eventually(() => expect(rights.readsEvents).toBe(true));
  expect(rights).toMatchObject({ configIn: "secret", missing: ["secrets:create"] });
  for (const word of ["events:list", "must be restarted"]) expect(lines.join("")).toContain(word);
  expect(() => rights.need("start the run", "secrets:create")).toThrow(
    expect.objectContaining({ code: "RightMissing" }),
  );

  // With the rights of the start nothing has to be restarted.
  lines.length = 0;
  await here.grant(without());
  await clock.advance(REVIEW_EVERY_MS);
  await eventually(() => expect(rights.missing).toEqual([]));
  expect(lines.join("")).toContain("Rights were added");
  expect(lines.join("")).not.toContain("must be restarted");

  // Without an answer everything stays, and closing doesn't wait for one.
  await here.cluster.stopServing();
  await clock.advance(REVIEW_EVERY_MS);
  await rights.close();
  expect(rights.missing).toEqual([]);
});

test("while nothing can be run, rights are reviewed soon", async () => {
  const here = await fakeSite(without("jobs:list"));
  const clock = new FakeClock();
  const rights = await KeptRights.open({ api: here.api, namespace: here.namespace, clock, log: silentLog });
  onTestFinished(() => rights.close());
  expect(rights.canRun).toBe(false);
  await here.grant(ALL);
  await clock.advance(REVIEW_SOON_MS);
  await eventually(() => expect(rights.canRun).toBe(true));
});

test("a review asks few questions at once and fails with a code when the API server doesn't say", async () => {
  const here = await fakeSite(ALL);
  let [now, most] = [0, 0];
  const counting = {
    ...here.api,
    server: "https://cluster.example.com",
    allowed: async (...question: Parameters<typeof here.api.allowed>) => {
      most = Math.max(most, ++now);
      return here.api.allowed(...question).finally(() => now--);
    },
  };
  expect((await reviewRights(counting, here.namespace)).missing).toEqual([]);
  expect(most).toBeLessThanOrEqual(6);
  here.cluster.fault({ match: { resource: "selfsubjectaccessreviews" }, status: 403, reason: "Forbidden" });
  await expect(reviewRights(counting, here.namespace)).rejects.toMatchObject({
    code: "RightsUnknown",
    message: expect.stringContaining("https://cluster.example.com"),
  });
});

test("a forbidden call is explained as a missing right only when it is one", async () => {
  const here = await fakeSite(without("cronjobs:list"));
  const failed = await here.api.list(CRON_JOBS, here.namespace).catch((error: unknown) => error);
  expect(explainForbidden(failed, "see the schedules", here.namespace)).toMatchObject({
    code: "RightMissing",
    message: `Cannot see the schedules: the runner has no right to list cronjobs in namespace ${here.namespace}`,
    cause: failed,
  });
  here.cluster.fault({ match: { verb: "create" }, status: 403, reason: "Forbidden", message: "exceeded quota: small" });
  const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x" } };
  const quota = await here.api.create(CONFIG_MAPS, here.namespace, object).catch((error: unknown) => error);
  expect(explainForbidden(quota, "create it", here.namespace)).toBe(quota);
});

test("a message names verbs and resources once, and what follows", () => {
  const rights = rightsWithout("ns", ["secrets:create", "secrets:patch", "pods/log:get"]);
  expect(rights.message()).toMatch(
    /^In namespace ns: no right to create, patch secrets: .*; no right to get pods\/log: /,
  );
  expect(rightsWithout("ns", []).message()).toBe("All rights in namespace ns are there");
  expect(rights).toMatchObject({ configIn: "configMap", readsLogs: false, readsEvents: true, fires: "cluster" });
});

test("rules give exactly the rights they were made of, and their lines name them", () => {
  for (const id of rightIds()) expect(rightsIn(rulesFor([id]))).toEqual([id]);
  expect(rightsIn(rulesFor(rightIds()))).toEqual(rightIds());
  expect(ruleLines(["jobs:create", "pods/log:get", "jobs:patch"])).toEqual([
    '- {apiGroups: ["batch"], resources: ["jobs"], verbs: ["create", "patch"]}',
    '- {apiGroups: [""], resources: ["pods/log"], verbs: ["get"]}',
  ]);
});

test("a log that may not be read is one line that says so, piece by piece, and ends with its run", async () => {
  const logs = unreadableLogs({ namespace: "ns" });
  expect(await logs.read("r", 0, 1000)).toEqual({ offset: 0, text: "", nextOffset: 0, ended: false });
  logs.follow({ runId: "r", attempt: 1, podName: "p", container: "main" });
  const first = await logs.read("r", 0, 30);
  const rest = await logs.read("r", 30, 1000);
  expect(first.text + rest.text).toMatch(/no right to get pods\/log in namespace ns.*verbs: \["get"\]/);
  expect([first.ended, rest.ended]).toEqual([false, false]);
  const end = await logs.end("r");
  expect(end?.bytes).toBe(rest.nextOffset);
  expect((await logs.read("r", 30, 1000)).ended).toBe(true);
  // After a restart it is the same text.
  const again = unreadableLogs({ namespace: "ns" });
  expect(await again.end("r")).toEqual(end);
});
