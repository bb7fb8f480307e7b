import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { followed, openNative, runOf, startRunning } from "./native-runs.ts";

test("a run whose Job was deleted with --cascade=orphan is followed to its end, by the next runner too, and leaves nothing", {
  timeout: 150_000,
}, async () => {
  const namespace = await temporaryNamespace("orphan");
  const script = "i=0; while [ $i -lt 200 ]; do sleep 0.1; i=$((i+1)); done; exit 3";
  const first = await openNative(namespace, script);
  const spec = runOf();
  await startRunning(first, spec);
  await kubectl("-n", namespace, "delete", "job", `hr-${spec.runId}`, "--cascade=orphan");
  await first.close();
  const second = await openNative(namespace, script);
  expect(await second.list()).toMatchObject([{ runId: spec.runId, state: "running" }]);
  const end = await followed(second, spec.runId).end;
  expect(end).toMatchObject({ state: "failed", exitCode: 3, failure: { category: "ExitCode" } });
  await second.release(spec.runId);
  await eventually(async () => {
    expect(await kubectl("-n", namespace, "get", "jobs,secrets,pods", "-o", "name")).toBe("");
  }, 60_000);
});
