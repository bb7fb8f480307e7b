import { expect, test } from "vitest";
import { nearName } from "../../src/base/near-name.ts";

const KNOWN = ["AGENT_ID", "MAX_CONCURRENT_RUNS", "KEEP_RUNS", "KEEP_RUNS_DAYS", "LOG_LEVEL", "LOG_FORMAT", "run"];

test.each([
  ["MAX_CONCURENT_RUNS", "MAX_CONCURRENT_RUNS"],
  ["MAX_CONCURRENT_RNUS", "MAX_CONCURRENT_RUNS"],
  ["maxConcurrentRuns", "MAX_CONCURRENT_RUNS"],
  ["max-concurrent-runs", "MAX_CONCURRENT_RUNS"],
  ["MAXCONCURRENTRUN", "MAX_CONCURRENT_RUNS"],
  ["AGENTID", "AGENT_ID"],
  ["AGENT_DI", "AGENT_ID"],
  ["KEEP_RUN_DAYS", "KEEP_RUNS_DAYS"],
  ["LOG_LEVLE", "LOG_LEVEL"],
  ["MAX_CONCURRENT_RUNS", undefined],
  ["KEEP_RUNS", undefined],
  ["MAX_RUNS", undefined],
  ["PATH", undefined],
  ["rum", undefined],
  ["", undefined],
])("nearName of %s is %s", (written, meant) => {
  expect(nearName(written, KNOWN)).toBe(meant);
});

test("nearName takes shorter names where it is told to", () => {
  expect(nearName("rnu", KNOWN, 3)).toBe("run");
  expect(nearName("ab", ["abc"], 3)).toBeUndefined();
});
