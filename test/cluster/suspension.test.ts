import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { openNative, podOf, runOf, startRunning } from "./native-runs.ts";

const SLOW = { timeout: 150_000 };
const suspend = (namespace: string, runId: string, value: boolean): Promise<string> =>
  kubectl(
    "-n",
    namespace,
    "patch",
    "job",
    `hr-${runId}`,
    "--type=merge",
    "-p",
    JSON.stringify({ spec: { suspend: value } }),
  );

test("a run whose Job is suspended waits, and goes on as its next attempt with the log of both", SLOW, async () => {
  const namespace = await temporaryNamespace("suspended");
  const script =
    'echo "begun in $HOSTNAME"; trap "exit 0" TERM; i=0; while [ $i -lt 80 ]; do sleep 0.1; i=$((i+1)); done; echo "ended"';
  const executor = await openNative(namespace, script);
  const spec = runOf();
  const run = await startRunning(executor, spec);
  const first = await podOf(namespace, spec.runId);
  await eventually(async () => expect((await executor.readLog(spec.runId, 0, 1000)).text).toContain(first), 20_000);
  await suspend(namespace, spec.runId, true);
  await eventually(() => {
    expect(run.reports.at(-1)).toMatchObject({
      state: "queued",
      attempt: 2,
      waiting: expect.stringMatching(/^Suspended: Job hr-.*Job suspended/),
    });
  }, 30_000);
  await suspend(namespace, spec.runId, false);
  expect(await run.end).toMatchObject({ state: "success", attempt: 2, exitCode: 0 });
  const second = await podOf(namespace, spec.runId);
  expect(second).not.toBe(first);
  const lines = (await executor.readLog(spec.runId, 0, 10_000)).text.trim().split("\n");
  expect(lines).toEqual([`begun in ${first}`, "[hybrid-runner: attempt 2]", `begun in ${second}`, "ended"]);
});

test(
  "a run whose Job is suspended for longer than its time limit has that limit anew when it is resumed",
  SLOW,
  async () => {
    const namespace = await temporaryNamespace("suspended-limit");
    const over = Math.ceil(Date.now() / 1000) + 35;
    const executor = await openNative(
      namespace,
      `[ $(date +%s) -ge ${over} ] && exit 0; trap "exit 0" TERM; sleep 600 & wait`,
    );
    const spec = runOf({ timeoutSeconds: 30 });
    const run = await startRunning(executor, spec);
    await suspend(namespace, spec.runId, true);
    await eventually(() => expect(run.reports.at(-1)?.waiting).toMatch(/^Suspended/), 60_000);
    await eventually(() => expect(Date.now()).toBeGreaterThan(over * 1000), 60_000);
    await suspend(namespace, spec.runId, false);
    expect(await run.end).toMatchObject({ state: "success", attempt: 2 });
  },
);

test("a suspended run that is stopped is stopped, and nothing of it stays", SLOW, async () => {
  const namespace = await temporaryNamespace("suspended-stop");
  const executor = await openNative(namespace, "sleep 600");
  const spec = runOf();
  const run = await startRunning(executor, spec);
  await suspend(namespace, spec.runId, true);
  await eventually(() => expect(run.reports.at(-1)?.waiting).toMatch(/^Suspended/), 60_000);
  await executor.stop(spec.runId);
  expect(await run.end).toMatchObject({ state: "stopped", attempt: 2 });
  await executor.release(spec.runId);
  await eventually(
    async () => expect(await kubectl("-n", namespace, "get", "jobs,secrets,pods", "-o", "name")).toBe(""),
    60_000,
  );
});
