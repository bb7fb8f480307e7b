import { expect, test } from "vitest";
import type { RunReport } from "../../src/protocol/messages.ts";
import { RunTable } from "../../src/runs/run-table.ts";

const queued: RunReport = { runId: "r", pipelineId: "p", attempt: 1, state: "queued" };

test("a queued run that waits for something else is news, the same once more isn't", () => {
  const table = new RunTable();
  table.add(queued);
  expect(table.advance({ ...queued, waiting: "Unschedulable" })).toBe(true);
  expect(table.advance({ ...queued, waiting: "Unschedulable" })).toBe(false);
  expect(table.advance({ ...queued, waiting: "ImagePullBackOff" })).toBe(true);
  expect(table.get("r")?.waiting).toBe("ImagePullBackOff");
});

test("a run that runs or has ended isn't put back to waiting, but a later attempt is", () => {
  const table = new RunTable();
  table.add(queued);
  expect(table.advance({ ...queued, state: "running" })).toBe(true);
  expect(table.advance({ ...queued, waiting: "late news" })).toBe(false);
  expect(table.get("r")).toMatchObject({ state: "running" });
  expect(table.advance({ ...queued, attempt: 2, waiting: "attempt 2 in 30 s" })).toBe(true);
  expect(table.get("r")).toMatchObject({ attempt: 2, state: "queued", waiting: "attempt 2 in 30 s" });
  expect(table.live()).toHaveLength(1);
});
