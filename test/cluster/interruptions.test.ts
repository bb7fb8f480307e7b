import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { followed, openNative, podOf, runOf, startRunning } from "./native-runs.ts";

const LONG = "echo begun; sleep 600";
const SLOW = { timeout: 150_000 };

test.each([
  ["deleted", ["--grace-period=1"]],
  ["force-deleted", ["--grace-period=0", "--force"]],
])("a pod that is %s fails with PodDeleted after its one free attempt", SLOW, async (_how, flags) => {
  const namespace = await temporaryNamespace("deleted");
  const executor = await openNative(namespace, LONG);
  const spec = runOf();
  const run = await startRunning(executor, spec);
  await kubectl("-n", namespace, "delete", "pod", await podOf(namespace, spec.runId), ...flags);
  await eventually(() => expect(run.reports.at(-1)).toMatchObject({ attempt: 2, state: "running" }), 60_000);
  expect(run.reports.find(({ attempt, state }) => attempt === 2 && state === "queued")?.waiting).toMatch(
    /attempt 2 .*because attempt 1: PodDeleted/,
  );
  await kubectl("-n", namespace, "delete", "pods", "-l", `hybrid-runner/attempt=2`, ...flags);
  expect(await run.end).toMatchObject({ attempt: 2, failure: { category: "PodDeleted" } });
});

test("an eviction as by a drain is followed by a free attempt that succeeds", SLOW, async () => {
  const namespace = await temporaryNamespace("evicted");
  const executor = await openNative(namespace, 'if [ "$(hostname | grep -c -- -2-)" = 1 ]; then exit 0; fi; sleep 600');
  const spec = runOf();
  const run = await startRunning(executor, spec);
  const name = await podOf(namespace, spec.runId);
  const eviction = { apiVersion: "policy/v1", kind: "Eviction", metadata: { name, namespace } };
  await evict(namespace, name, eviction);
  expect(await run.end).toMatchObject({ attempt: 2, state: "success" });
  expect(run.reports.map(({ waiting }) => waiting).join("\n")).toMatch(/because attempt 1: Evicted/);
});

test("a Job that is deleted fails with JobDeleted", SLOW, async () => {
  const namespace = await temporaryNamespace("job");
  const executor = await openNative(namespace, LONG);
  const spec = runOf();
  const run = await startRunning(executor, spec);
  await kubectl("-n", namespace, "delete", "job", `hr-${spec.runId}`, "--wait=false");
  expect(await run.end).toMatchObject({ failure: { category: "JobDeleted" } });
});

test("a run that asks for it is tried again, and its log tells both attempts", SLOW, async () => {
  const executor = await openNative(
    await temporaryNamespace("retry"),
    'hostname | grep -q -- "-2-" && echo second || { echo first; exit 3; }',
  );
  const spec = runOf({ retries: 2, retryDelaySeconds: 1 });
  await executor.start(spec);
  const run = followed(executor, spec.runId);
  expect(await run.end).toMatchObject({ attempt: 2, state: "success" });
  await eventually(async () => {
    const { ended, text } = await executor.readLog(spec.runId, 0, 10_000);
    expect(ended).toBe(true);
    expect(text).toMatch(/first[\s\S]*second/);
  }, 15_000);
});

test(
  "a running run that is stopped is stopped when its pod is gone, and nothing of it stays after the release",
  SLOW,
  async () => {
    const namespace = await temporaryNamespace("stop");
    const executor = await openNative(namespace, LONG);
    const spec = runOf();
    const run = await startRunning(executor, spec);
    await executor.stop(spec.runId);
    const end = await run.end;
    expect(end).toMatchObject({ state: "stopped" });
    expect(end.failure).toBeUndefined();
    await executor.release(spec.runId);
    await eventually(async () => {
      expect(await kubectl("-n", namespace, "get", "jobs,pods,secrets", "-o", "name")).toBe("");
    }, 30_000);
  },
);

test("a run stopped right after its start never runs", SLOW, async () => {
  const executor = await openNative(await temporaryNamespace("before"), "sleep 1; echo it ran");
  const spec = runOf();
  await executor.start(spec);
  await executor.stop(spec.runId);
  expect(await followed(executor, spec.runId).end).toMatchObject({ state: "stopped" });
});

test(
  "a side-car that outlives the program doesn't keep the run alive, and a restart tells the same end",
  SLOW,
  async () => {
    const namespace = await temporaryNamespace("mesh");
    const sideCar = {
      name: "mesh",
      image: "test.local/busybox:1",
      command: ["sleep", "600"],
      securityContext: { runAsUser: 1000 },
    };
    const podSpec = { containers: [sideCar] } as never;
    const executor = await openNative(namespace, "echo done", { podSpec });
    const spec = runOf();
    await executor.start(spec);
    expect(await followed(executor, spec.runId).end).toMatchObject({ state: "success", exitCode: 0 });
    await eventually(async () => {
      expect(await kubectl("-n", namespace, "get", "pods", "-o", "name")).toBe("");
    }, 30_000);
    await executor.close();
    const second = await openNative(namespace, "echo done", { podSpec });
    expect(await followed(second, spec.runId).end).toMatchObject({ state: "success", exitCode: 0 });
  },
);

/** What kubectl drain does to one pod. */
async function evict(namespace: string, name: string, eviction: unknown): Promise<void> {
  const { execFile } = await import("node:child_process");
  const { promisify } = await import("node:util");
  const path = `/api/v1/namespaces/${namespace}/pods/${name}/eviction`;
  const child = promisify(execFile)("kubectl", ["create", "--raw", path, "-f", "-"]);
  child.child.stdin?.end(JSON.stringify(eviction));
  await child;
}
