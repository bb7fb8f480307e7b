import { expect, test } from "vitest";
import { ABSENT_EXECUTORS, openExecutor } from "../../src/executor/catalogue.ts";
import type { RunSpec } from "../../src/executor/executor.ts";

const SPEC: RunSpec = {
  runId: "0a9d4f1e-0000-4000-8000-000000000001",
  attempt: 1,
  pipelineId: "0a9d4f1e-0000-4000-8000-000000000002",
  pipelineName: "p",
  fullyQualifiedName: "s.p",
  pipelineType: "metadata",
  config: {},
  startBefore: Number.MAX_SAFE_INTEGER,
};

test.each(ABSENT_EXECUTORS)("%s keeps its name, has no runs, takes none and says why", async (kind) => {
  const executor = await openExecutor(kind, {});
  expect(executor.kind).toBe(kind);
  expect(await executor.check()).toEqual({
    healthy: false,
    message: `Cannot run anything: the executor ${kind} is not in this version`,
  });
  expect(await executor.list()).toEqual([]);
  await expect(executor.start(SPEC)).rejects.toMatchObject({ code: "ExecutorAbsent", retryable: false });
  const seen: unknown[] = [];
  for await (const report of executor.observe(SPEC.runId, new AbortController().signal)) seen.push(report);
  expect(seen).toEqual([]);
  expect(await executor.readLog(SPEC.runId, 7, 100)).toEqual({ offset: 7, text: "", nextOffset: 7, ended: true });
  await executor.stop(SPEC.runId);
  await executor.release(SPEC.runId);
  await executor.close();
});
