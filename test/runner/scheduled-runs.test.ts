import { expect, test } from "vitest";
import { openPolicy, type PolicyQuestion } from "../../src/policy/policy.ts";
import { scheduledRuns } from "../../src/runner/scheduled-runs.ts";
import { eventually } from "../fakes/eventually.ts";
import { openRuns, order, PIPELINE } from "../runs/open-runs.ts";

const pipelines = { read: async () => PIPELINE };

test("scheduledRuns starts a run once, however often it is asked under one id", async () => {
  const { runs, executor, states } = await openRuns();
  const scheduled = scheduledRuns({ policy: openPolicy, pipelines, runs });
  const wish = order();
  expect(await scheduled.start(wish)).toEqual({ outcome: "started" });
  expect(await scheduled.start(wish)).toEqual({ outcome: "started" });
  expect(await executor.list()).toHaveLength(1);
  expect(scheduled.liveRunOf(PIPELINE.pipelineId)).toBe(wish.runId);
  await eventually(() => expect(states(wish.runId)).toContain("running"));
});

test("scheduledRuns asks the policy as for a run that was ordered, and its no is for good", async () => {
  const { runs, executor } = await openRuns();
  const questions: PolicyQuestion[] = [];
  const policy = {
    check(question: PolicyQuestion) {
      questions.push(question);
      return { allowed: false, reason: "Cannot do it: the owner forbids it" } as const;
    },
  };
  expect(await scheduledRuns({ policy, pipelines, runs }).start(order())).toEqual({
    outcome: "never",
    reason: "Cannot do it: the owner forbids it",
  });
  expect(questions).toEqual([
    { operation: "run.start", pipelineId: PIPELINE.pipelineId, pipelineType: PIPELINE.pipelineType },
  ]);
  expect(await executor.list()).toEqual([]);
});

test("scheduledRuns waits when there is no place or the runner ends, and gives up on a pipeline that is gone", async () => {
  const { runs } = await openRuns({ maxConcurrentRuns: 0 });
  const scheduled = scheduledRuns({ policy: openPolicy, pipelines, runs });
  expect(scheduled.hasRoom()).toBe(false);
  expect(await scheduled.start(order())).toMatchObject({ outcome: "later" });
  const roomy = await openRuns();
  const other = scheduledRuns({ policy: openPolicy, pipelines, runs: roomy.runs });
  expect(await other.start(order({ pipelineId: crypto.randomUUID() }))).toMatchObject({ outcome: "never" });
  roomy.runs.drain();
  expect(other.hasRoom()).toBe(false);
  expect(await other.start(order())).toMatchObject({
    outcome: "later",
    reason: expect.stringContaining("shutting down"),
  });
});
