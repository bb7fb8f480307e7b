import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { clusterTool } from "../cluster-tool.ts";
import { temporaryNamespace } from "../namespace.ts";
import { openNative, runOf, startRunning } from "../native-runs.ts";

test("a node whose kubelet falls silent: the attempt is NodeLost, and the free one runs when there is a node again", {
  timeout: 240_000,
}, async () => {
  const namespace = await temporaryNamespace("node");
  const script = 'if [ "$(hostname | grep -c -- -2-)" = 1 ]; then sleep 5; exit 0; fi; sleep 600';
  const executor = await openNative(namespace, script, {}, { startTimeoutMs: 180_000 });
  const run = await startRunning(executor, runOf());
  const kubelet = await freezeKubelet();
  await eventually(() => {
    const waiting = run.reports.find(({ attempt, state }) => attempt === 2 && state === "queued")?.waiting;
    expect(waiting).toMatch(/attempt 2 .*because attempt 1: NodeLost/);
  }, 120_000);
  kubelet.thaw();
  const end = await run.end;
  expect(end, JSON.stringify(end)).toMatchObject({ attempt: 2, state: "success", exitCode: 0 });
});

/** Stops the node's kubelet, as a machine that hangs does; it goes on when the test says so, at the latest at its end. */
async function freezeKubelet(): Promise<{ readonly thaw: () => void }> {
  const pid = Number(/^kubelet up \(pid (\d+)\)$/m.exec(await clusterTool("status"))?.[1]);
  expect(pid).toBeGreaterThan(1);
  process.kill(pid, "SIGSTOP");
  const thaw = (): void => {
    process.kill(pid, "SIGCONT");
  };
  onTestFinished(thaw);
  return { thaw };
}
