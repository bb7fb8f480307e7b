import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openChance } from "../../scripts/chaos/chance.ts";
import type { FaultRecord } from "../../scripts/chaos/faults.ts";
import { judge } from "../../scripts/chaos/judgement.ts";
import type { RunView } from "../../scripts/chaos/orders.ts";
import { BEHAVIOURS, type LedgerEntry } from "../../scripts/chaos/programs.ts";
import { instant } from "../../src/base/instants.ts";

const SCRIPT = join(import.meta.dirname, "../../scripts/chaos.ts");
const RUNS = 60;

interface Result {
  readonly runs: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly violations: readonly string[];
}

test("sixty runs under kills and cut lines: none lost, doubled or falsely success, nothing left over", async () => {
  const args = ["--runs", String(RUNS), "--seed", "12", "--fault-seconds", "0.6", "--json"];
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [SCRIPT, ...args], { timeout: 300_000 }, (_error, stdout) => resolve(stdout));
  });
  const result = JSON.parse(output) as Result;
  expect(result.violations).toEqual([]);
  expect(result.runs).toBeGreaterThanOrEqual(RUNS);
  expect(result.outcomes["success"]).toBeGreaterThan(RUNS / 4);
  expect(Object.keys(result.faults).length).toBeGreaterThan(3);
}, 210_000);

test("the seed fixes what is drawn, and each name its own stream", () => {
  const draw = (seed: number, name: string): number[] => {
    const chance = openChance(seed, name);
    return Array.from({ length: 5 }, () => chance.next());
  };
  expect(draw(7, "faults")).toEqual(draw(7, "faults"));
  expect(draw(7, "faults")).not.toEqual(draw(8, "faults"));
  expect(draw(7, "faults")).not.toEqual(draw(7, "orders"));
});

/** The judgement of one run. */
function judged(run: Partial<RunView>, entry: LedgerEntry | undefined, harm: Partial<FaultRecord> = {}): string[] {
  const view: RunView = {
    runId: "r",
    pipelineId: "p",
    attempt: 1,
    state: "success",
    dispatch: "accepted",
    logBytes: 0,
    logGaps: [],
    ...run,
  };
  const orders = { placed: new Map([["r", "p"]]), firstEnds: new Map(), behaviour: () => BEHAVIOURS[0] };
  const record: FaultRecord = {
    counts: new Map(),
    supervisorKilled: new Set(),
    programKilled: new Set(),
    stopped: new Set(),
    story: [],
    ...harm,
  };
  return [...judge([view], orders, new Map(entry === undefined ? [] : [["r", entry]]), record).violations];
}

const ran = (exits: readonly number[], starts = 1): LedgerEntry => ({ starts, exits, configurationFiles: [] });
const failed = (category: string): Partial<RunView> => ({ state: "failed", failure: { category } });
const harmed = new Set(["r"]);

test.each([
  ["a success with exit 0", {}, ran([0]), {}],
  ["a failure with its exit code", { ...failed("ExitCode"), exitCode: 7 }, ran([7]), {}],
  ["a lost run whose supervisor was killed", failed("Lost"), ran([]), { supervisorKilled: harmed }],
  ["a killed program", failed("Killed"), ran([]), { programKilled: harmed }],
  ["a stopped run", { state: "stopped" }, ran([]), { stopped: harmed }],
  ["a run that was stopped before it started", { state: "stopped" }, undefined, { stopped: harmed }],
] as const)("the judgement accepts %s", (_, run, entry, harm) => {
  expect(judged(run, entry, harm)).toEqual([]);
});

test.each([
  ["a success without a proof", {}, ran([]), {}],
  ["a success of a program that failed", {}, ran([7]), {}],
  ["a success that never ran", {}, undefined, {}],
  ["a run that was started twice", {}, ran([0], 2), {}],
  ["a lost run that nobody disturbed", failed("Lost"), ran([]), {}],
  ["a lost run whose program had ended well", failed("Lost"), ran([0]), {}],
  ["a killed run that nobody killed", failed("Killed"), ran([]), {}],
  ["a stopped run that nobody stopped", { state: "stopped" }, ran([]), {}],
  ["a run without an end", { state: "running" }, ran([]), {}],
  ["a wrong exit code", { ...failed("ExitCode"), exitCode: 1 }, ran([7]), {}],
  ["any other failure", failed("StartTimeout"), undefined, {}],
] as const)("the judgement refuses %s", (_, run, entry, harm) => {
  expect(judged(run, entry, harm)).not.toEqual([]);
});

/** The judgement of two runs of one pipeline, by where their starts and exits stand in the ledger and by the times that were told. */
function judgedPair(first: readonly number[], second: readonly number[], ledger = true): readonly string[] {
  const runs = [first, second].map(([startedAt = 0, endedAt = 0], index) => ({
    runId: `r${index}`,
    pipelineId: "p",
    attempt: 1,
    state: "success",
    dispatch: "accepted",
    logBytes: 0,
    logGaps: [],
    ...(ledger ? {} : { startedAt: instant(startedAt), endedAt: instant(endedAt) }),
  }));
  const entries = [first, second].map(([startLine = 0, exitLine = 0], index): [string, LedgerEntry] => [
    `r${index}`,
    { ...ran([0]), ...(ledger ? { startLine, exitLine } : {}) },
  ]);
  const placed = new Map(runs.map(({ runId }) => [runId, "p"]));
  const orders = { placed, firstEnds: new Map(), behaviour: () => BEHAVIOURS[0] };
  const record: FaultRecord = {
    counts: new Map(),
    supervisorKilled: new Set(),
    programKilled: new Set(),
    stopped: new Set(),
    story: [],
  };
  return judge(runs, orders, new Map(entries), record).violations;
}

test.each([true, false])("the judgement refuses two runs of one pipeline at the same time (ledger: %s)", (ledger) => {
  expect(judgedPair([1, 2], [3, 4], ledger)).toEqual([]);
  expect(judgedPair([5, 9], [1, 4], ledger)).toEqual([]);
  expect(judgedPair([1, 3], [2, 4], ledger)).toHaveLength(1);
  expect(judgedPair([1, 8], [2, 4], ledger)).toHaveLength(1);
});
