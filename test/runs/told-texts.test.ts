import { expect, test } from "vitest";
import { endReport } from "../../src/executor/process/end-report.ts";
import { neverStarted } from "../../src/gateway/sessions/settle.ts";
import { decodeFrame, encodeFrame } from "../../src/protocol/codec.ts";
import type { RunReport } from "../../src/protocol/messages.ts";
import { refused } from "../../src/runs/verdict.ts";

const [runId, pipelineId, operationId] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
/** Wherever it is cut to an even or odd number of units, one of them is inside of a character. */
const LONG = ["", "x"].map((before) => `${before}${"🔑".repeat(5000)}`);

function sent(report: RunReport): RunReport {
  const frame = { type: "run.update", epoch: 1, seq: 1, body: report } as const;
  return decodeFrame(encodeFrame(frame, "up"), "up").body as RunReport;
}

test.each(LONG)("what is told of a run is cut between characters, and can always be sent", (long) => {
  const verdict = refused("storage", long, long);
  const { category: _, ...told } = verdict as Extract<typeof verdict, { outcome: "refused" }>;
  expect(encodeFrame({ type: "verdict", epoch: 1, body: { operationId, ...told } }, "up")).not.toContain("\ufffd");

  const failure = { category: "ConfigError", summary: long, detail: long, advice: long } as const;
  const log = { bytes: 0, sha256: "0".repeat(64) };
  const ended = { state: "failed", proof: long, endedAt: 1, failure } as const;
  const reports = [
    neverStarted({ runId, pipelineId, attempt: 1 }, 1, failure),
    endReport({ runId, pipelineId, attempt: 1 }, ended, log, []),
  ];
  for (const report of reports) expect(JSON.stringify(sent(report))).not.toContain("\ufffd");
});
