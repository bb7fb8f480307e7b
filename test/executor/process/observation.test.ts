import { expect, test } from "vitest";
import { nextStep, observe, type RunFiles, STOP_MARGIN_MS } from "../../../src/executor/process/observation.ts";

const head = {
  runId: "0a4f9f53-1f4c-4a67-9d5a-3cf4d5ad8a6e",
  pipelineId: "6d0cf0a6-54a8-43f5-8f09-0d0ad4b3c9f0",
  attempt: 2,
  startBefore: 1000,
  graceMs: 100,
  mark: "mark",
  workingDirectory: "/",
};
const identity = { pid: 7, startTime: "1@boot" };
const claim = { version: 1, who: "supervisor", at: 5, identity } as const;
const abandoned = { version: 1, who: "abandoned", at: 5, why: "stopped", evidence: "" } as const;
const program = { version: 1, startedAt: 6, identity } as const;
const stop = { version: 1, at: 50 } as const;
const { runId, pipelineId, attempt } = head;
const end = { runId, pipelineId, attempt, state: "success" } as const;
const files = (parts: Omit<RunFiles, "head"> = {}): RunFiles => ({ head, ...parts });

test("observe makes a terminal state from an end and from nothing else", () => {
  expect(observe(files())).toEqual({ runId, pipelineId, attempt, state: "queued" });
  expect(observe(files({ claim }))).toEqual({ runId, pipelineId, attempt, state: "queued" });
  expect(observe(files({ claim, program, stop }))).toEqual({
    runId,
    pipelineId,
    attempt,
    state: "running",
    startedAt: 6,
  });
  expect(observe(files({ claim: abandoned }))).toMatchObject({ state: "queued" });
  expect(observe(files({ end }))).toBe(end);
});

test.each([
  ["an unclaimed run is launched up to its time limit", files(), false, 1000, "launch"],
  ["an unclaimed run is abandoned after its time limit", files(), false, 1001, "abandon"],
  ["an unclaimed run that shall stop is abandoned at once", files({ stop }), false, 60, "abandon"],
  ["an abandoned run gets its end", files({ claim: abandoned }), false, 60, "close"],
  ["a claimed run is only watched, whatever its time limit", files({ claim }), true, 9999, "none"],
  ["a running run that shall stop is told so", files({ claim, program, stop }), true, 60, "signal"],
  ["a run whose supervisor died is cleaned up", files({ claim, program }), false, 60, "cleanUp"],
  [
    "a run whose supervisor died before its program is cleaned up, never launched again",
    files({ claim }),
    false,
    60,
    "cleanUp",
  ],
  ["an ended run is left alone, whoever is dead", files({ claim, program, stop, end }), false, 9999, "none"],
] as const)("%s", (_name, given, alive, now, step) => {
  expect(nextStep(given, alive, now, false)).toBe(step);
});

test("a stop is told to the supervisor once, and taken out of its hands when it takes too long", () => {
  const given = files({ claim, program, stop });
  const limit = stop.at + 2 * head.graceMs + STOP_MARGIN_MS;
  expect(nextStep(given, true, limit, true)).toBe("none");
  expect(nextStep(given, true, limit + 1, true)).toBe("force");
});
