import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { apply, kubectl } from "../cluster-tool.ts";
import { temporaryNamespace } from "../namespace.ts";
import { followed, openNative, podOf, runOf, startRunning } from "../native-runs.ts";

test("a pod that has to make room for a more important one: the attempt is Preempted, and the free one runs when there is room again", {
  timeout: 180_000,
}, async () => {
  const namespace = await temporaryNamespace("preempted");
  const { node, cpu } = await biggestShare(namespace);
  const script = 'if [ "$(hostname | grep -c -- -2-)" = 1 ]; then exit 0; fi; sleep 600';
  const resources = { pipeline: { requests: { cpu } }, automation: {} };
  const placed = { resources, nodeSelector: { "kubernetes.io/hostname": node } };
  const executor = await openNative(namespace, script, placed, { startTimeoutMs: 150_000 });
  const run = await startRunning(executor, runOf());
  await startImportant(namespace, cpu, node);
  await eventually(() => {
    const waiting = run.reports.find(({ attempt, state }) => attempt === 2 && state === "queued")?.waiting;
    expect(waiting, JSON.stringify(run.reports)).toMatch(/attempt 2 .*because attempt 1: Preempted/);
  }, 60_000);
  await kubectl("-n", namespace, "delete", "pod", "important", "--grace-period=0", "--force");
  const end = await run.end;
  expect(end, JSON.stringify(end)).toMatchObject({ attempt: 2, state: "success", exitCode: 0 });
});

/** More than half of what a node has, so that it has no room for two of it: where a pod of this namespace goes by itself. */
async function biggestShare(namespace: string): Promise<{ readonly node: string; readonly cpu: string }> {
  const executor = await openNative(namespace, "exit 0");
  const spec = runOf();
  await executor.start(spec);
  await followed(executor, spec.runId).end;
  const pod = await podOf(namespace, spec.runId);
  const node = (await kubectl("-n", namespace, "get", "pod", pod, "-o", "jsonpath={.spec.nodeName}")).trim();
  const cpu = (await kubectl("get", "node", node, "-o", "jsonpath={.status.allocatable.cpu}")).trim();
  const thousandths = cpu.endsWith("m") ? Number.parseInt(cpu, 10) : 1000 * Number(cpu);
  return { node, cpu: `${Math.round(0.6 * thousandths)}m` };
}

/** A pod of a priority class of its own, which may push others aside. */
async function startImportant(namespace: string, cpu: string, node: string): Promise<void> {
  await apply({
    apiVersion: "scheduling.k8s.io/v1",
    kind: "PriorityClass",
    metadata: { name: namespace },
    value: 1000,
    preemptionPolicy: "PreemptLowerPriority",
  });
  onTestFinished(async () => {
    await kubectl("delete", "priorityclass", namespace, "--ignore-not-found");
  });
  const image = (
    await kubectl("-n", namespace, "get", "pods", "-o", "jsonpath={.items[0].spec.containers[0].image}")
  ).trim();
  await apply(
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "important" },
      spec: {
        restartPolicy: "Never",
        priorityClassName: namespace,
        nodeSelector: { "kubernetes.io/hostname": node },
        containers: [{ name: "main", image, command: ["sleep", "600"], resources: { requests: { cpu } } }],
      },
    },
    namespace,
  );
}
