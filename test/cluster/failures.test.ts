import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { apply, kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { followed, openNative, runOf } from "./native-runs.ts";

const LONG = "echo begun; sleep 600";
const SLOW = { timeout: 150_000 };

test("twenty runs on a real node all end with success, with proof and with what they printed", SLOW, async () => {
  const executor = await openNative(await temporaryNamespace("twenty"), 'echo "$config"');
  const specs = Array.from({ length: 20 }, () => runOf());
  await Promise.all(specs.map((spec) => executor.start(spec)));
  const ends = await Promise.all(specs.map(({ runId }) => followed(executor, runId).end));
  for (const end of ends) {
    expect(end).toMatchObject({ state: "success", exitCode: 0, proof: expect.stringContaining("exit code 0") });
  }
  const piece = await executor.readLog(specs[0]?.runId ?? "", 0, 10_000);
  expect(piece.text).toContain("hello from the configuration");
});

test("an image that isn't there fails with ImagePull in 60 s, and is told as waiting before", SLOW, async () => {
  const executor = await openNative(await temporaryNamespace("image"), "true", { image: "registry.invalid/none:1" });
  const spec = runOf();
  const began = Date.now();
  await executor.start(spec);
  const run = followed(executor, spec.runId);
  const end = await run.end;
  expect(end).toMatchObject({ state: "failed", failure: { category: "ImagePull" } });
  expect(Date.now() - began).toBeLessThan(60_000);
  expect(run.reports.some(({ waiting }) => waiting?.startsWith("ImagePullBackOff: ErrImagePull"))).toBe(true);
  expect(end.failure?.detail).toContain("registry.invalid/none:1");
  expect(end.failure?.events?.join("\n")).toContain("Failed to pull image");
});

test("an image name that can't be one fails with InvalidImage in 5 s", SLOW, async () => {
  const executor = await openNative(await temporaryNamespace("name"), "true", { image: "No/Such:Name:1" });
  const spec = runOf();
  const began = Date.now();
  await executor.start(spec);
  expect(await followed(executor, spec.runId).end).toMatchObject({ failure: { category: "InvalidImage" } });
  expect(Date.now() - began).toBeLessThan(8000);
});

test("more memory than the limit fails with OOMKilled and names the limit", SLOW, async () => {
  const resources = { pipeline: { limits: { memory: "48Mi" } }, automation: {} };
  const executor = await openNative(await temporaryNamespace("memory"), "tail /dev/zero", { resources });
  const spec = runOf();
  await executor.start(spec);
  expect(await followed(executor, spec.runId).end).toMatchObject({
    state: "failed",
    failure: { category: "OOMKilled", summary: expect.stringContaining("48Mi") },
  });
});

test("a program that isn't in the image fails with StartFailed", SLOW, async () => {
  const command = ["no-such-program"];
  const executor = await openNative(await temporaryNamespace("program"), "true", {
    command: { pipeline: command, automation: command, application: command },
  });
  const spec = runOf();
  await executor.start(spec);
  expect(await followed(executor, spec.runId).end).toMatchObject({
    failure: { category: "StartFailed", detail: expect.stringContaining("no-such-program") },
  });
});

test("an exceeded quota is told in 5 s and fails with Quota after the start timeout", SLOW, async () => {
  const namespace = await temporaryNamespace("quota");
  await apply(
    { apiVersion: "v1", kind: "ResourceQuota", metadata: { name: "none" }, spec: { hard: { pods: "0" } } },
    namespace,
  );
  await eventually(async () => {
    expect(await kubectl("-n", namespace, "get", "quota", "none", "-o", "jsonpath={.status.hard.pods}")).toBe("0");
  }, 10_000);
  const executor = await openNative(namespace, "true", {}, { startTimeoutMs: 15_000 });
  const spec = runOf();
  await executor.start(spec);
  const run = followed(executor, spec.runId);
  await eventually(() => expect(run.reports.at(-1)?.waiting).toMatch(/^Quota: .*exceeded quota: none/), 5000);
  expect(await run.end).toMatchObject({
    failure: { category: "Quota", events: [expect.stringContaining("FailedCreate"), ...anything(await run.end)] },
  });
});

test(
  "a pod that Pod Security refuses is told in 5 s and fails with Admission after the start timeout",
  SLOW,
  async () => {
    const namespace = await temporaryNamespace("security", { "pod-security.kubernetes.io/enforce": "restricted" });
    const executor = await openNative(
      namespace,
      "true",
      { podSpec: { hostPID: true } as never },
      { startTimeoutMs: 15_000 },
    );
    const spec = runOf();
    await executor.start(spec);
    const run = followed(executor, spec.runId);
    await eventually(() => expect(run.reports.at(-1)?.waiting).toMatch(/^Admission: .*violates PodSecurity/), 5000);
    expect(await run.end).toMatchObject({ failure: { category: "Admission" } });
  },
);

test("restricted Pod Security lets the ordinary pod run", SLOW, async () => {
  const namespace = await temporaryNamespace("restricted", { "pod-security.kubernetes.io/enforce": "restricted" });
  const executor = await openNative(namespace, "id");
  const spec = runOf();
  await executor.start(spec);
  expect(await followed(executor, spec.runId).end).toMatchObject({ state: "success" });
});

test("a pod that no node takes waits as Unschedulable, and runs when it is taken back by stop", SLOW, async () => {
  const executor = await openNative(await temporaryNamespace("nodes"), LONG, { nodeSelector: { "no-such": "node" } });
  const spec = runOf();
  await executor.start(spec);
  const run = followed(executor, spec.runId);
  await eventually(() => expect(run.reports.at(-1)?.waiting).toMatch(/^Unschedulable: .*nodes are available/), 10_000);
  await executor.stop(spec.runId);
  expect(await run.end).toMatchObject({ state: "stopped" });
  expect(run.reports.some(({ state }) => state === "running")).toBe(false);
});

test("a run over its timeout fails with DeadlineExceeded", SLOW, async () => {
  const executor = await openNative(await temporaryNamespace("deadline"), LONG);
  const spec = runOf({ timeoutSeconds: 10 });
  await executor.start(spec);
  expect(await followed(executor, spec.runId).end).toMatchObject({
    failure: { category: "DeadlineExceeded", summary: expect.stringContaining("10 s") },
  });
});

/** As many as there are beside the first. */
function anything(end: { readonly failure?: { readonly events?: readonly string[] } }): readonly unknown[] {
  return (end.failure?.events ?? []).slice(1).map(() => expect.any(String));
}
