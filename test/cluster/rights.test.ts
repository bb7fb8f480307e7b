import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { reviewRights } from "../../src/executor/pods/rights/review-rights.ts";
import { FEATURES, type FeatureId, rightIds, rightsOf } from "../../src/executor/pods/rights/right-table.ts";
import { DOCUMENTED_RULES, rightsIn, rulesFor } from "../../src/executor/pods/rights/role.ts";
import { eventually } from "../fakes/eventually.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { administrator, applyText, changeRules, runnerWith } from "./runner-identity.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

async function printed(...args: readonly string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, [MAIN, "rbac", ...args], { env: {} })).stdout;
}

test("the printed Role gives every right, the documented one lacks what docs/rbac.md says", async () => {
  const namespace = await temporaryNamespace("rights");
  const api = await runnerWith(namespace, []);
  expect((await reviewRights(api, namespace)).missing).toEqual(rightIds());

  await applyText(await printed(namespace));
  await eventually(async () => expect((await reviewRights(api, namespace)).missing).toEqual([]), 20_000);
  const all = await reviewRights(api, namespace);
  expect(all).toMatchObject({ configIn: "secret", fires: "cluster", readsEvents: true, readsLogs: true, canRun: true });

  await applyText(await printed(namespace, "--documented"));
  const documented = rightsIn(DOCUMENTED_RULES);
  const lacking = rightIds().filter((id) => !documented.includes(id));
  await eventually(async () => expect((await reviewRights(api, namespace)).missing).toEqual(lacking), 20_000);
  const limited = await reviewRights(api, namespace);
  expect(limited).toMatchObject({
    configIn: "configMap",
    fires: "runner",
    readsEvents: true,
    readsLogs: true,
    canRun: true,
  });
  expect(limited.message()).toContain("no right to create, patch, delete secrets");
});

test("each right taken away is found missing, alone, and its lines give it back", async () => {
  const namespace = await temporaryNamespace("rights");
  const [api, admin] = [await runnerWith(namespace, []), await administrator()];
  for (const gone of rightIds()) {
    await changeRules(admin, namespace, rulesFor(rightIds().filter((id) => id !== gone)));
    await eventually(async () => expect((await reviewRights(api, namespace)).missing).toEqual([gone]), 20_000);
    const rights = await reviewRights(api, namespace);
    const features = (Object.keys(FEATURES) as FeatureId[]).filter((feature) => rightsOf(feature).includes(gone));
    expect([gone, rights.fires]).toEqual([gone, features.includes("clusterSchedules") ? "runner" : "cluster"]);
    expect([gone, rights.configIn]).toEqual([gone, features.includes("hiddenConfiguration") ? "configMap" : "secret"]);
    expect([gone, rights.canRun]).toEqual([gone, !features.includes("runs")]);
    expect(() => rights.need("do it", gone)).toThrow(
      expect.objectContaining({
        code: "RightMissing",
        advice: expect.stringContaining(`verbs: ["${gone.split(":")[1]}"]`),
      }),
    );
  }
});

test("the runner asks for nothing outside its namespace and never reads Secrets", async () => {
  const namespace = await temporaryNamespace("rights");
  await runnerWith(namespace, rulesFor(rightIds()));
  const who = `--as=system:serviceaccount:${namespace}:hybrid-runner`;
  for (const verb of ["get", "list", "watch"]) {
    const answer = await kubectl("auth", "can-i", verb, "secrets", "-n", namespace, who).catch((error) => error.stdout);
    expect([verb, answer.trim()]).toEqual([verb, "no"]);
  }
  const elsewhere = await kubectl("auth", "can-i", "list", "pods", "-n", "default", who).catch((error) => error.stdout);
  expect(elsewhere.trim()).toBe("no");
  expect((await reviewRights(await administrator(), namespace)).missing).toEqual([]);
});
