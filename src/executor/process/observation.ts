import type { RunReport } from "../../protocol/messages.ts";
import type { RunIntent } from "./run-directory.ts";
import type { MomentRecord, ProgramRecord, RunClaim } from "./run-records.ts";

/** The part of an intent that matters after the start; the configuration is not kept in memory. */
export interface RunHead {
  readonly runId: string;
  readonly pipelineId: string;
  readonly attempt: number;
  readonly startBefore: number;
  readonly graceMs: number;
  readonly mark: string;
  readonly workingDirectory: string;
}

/** What is on disk about one run at one moment. */
export interface RunFiles {
  readonly head: RunHead;
  readonly claim?: RunClaim;
  readonly program?: ProgramRecord;
  readonly stop?: MomentRecord;
  readonly end?: RunReport;
}

/** What has to be done so that a run goes on towards its end. */
export type NextStep =
  | "none"
  /** Nobody decides about it yet: start a supervisor. */
  | "launch"
  /** Nobody decides about it, and it must not start any more. */
  | "abandon"
  /** It was abandoned, but its end is not written. */
  | "close"
  /** Its supervisor lives and was not told to stop by us. */
  | "signal"
  /** Its supervisor lives, but should have ended it long ago. */
  | "force"
  /** Its supervisor died without an end. */
  | "cleanUp";

/** Beyond twice the grace (once for the program, once for what it left behind), before a stop is taken out of the supervisor's hands. */
export const STOP_MARGIN_MS: number = 30_000;

/** The part of an intent that is kept. */
export function headOf(intent: RunIntent): RunHead {
  const { runId, pipelineId, attempt, startBefore } = intent.spec;
  const { graceMs, mark, workingDirectory } = intent;
  return { runId, pipelineId, attempt, startBefore, graceMs, mark, workingDirectory };
}

/**
 * The report of a run, from its files and from whether its supervisor lives. Only `end.json` makes a terminal state,
 * so a dead supervisor without one still reads as it was until its run has been cleaned up.
 */
export function observe(files: RunFiles): RunReport {
  if (files.end !== undefined) return files.end;
  const { runId, pipelineId, attempt } = files.head;
  if (files.program === undefined) return { runId, pipelineId, attempt, state: "queued" };
  return { runId, pipelineId, attempt, state: "running", startedAt: files.program.startedAt };
}

/** What to do about a run. `alive` tells whether the claiming supervisor lives, `now` is wall time, `signalled` whether we sent TERM already. */
export function nextStep(files: RunFiles, alive: boolean, now: number, signalled: boolean): NextStep {
  if (files.end !== undefined) return "none";
  if (files.claim === undefined) return files.stop !== undefined || now > files.head.startBefore ? "abandon" : "launch";
  if (files.claim.who === "abandoned") return "close";
  if (!alive) return "cleanUp";
  if (files.stop === undefined) return "none";
  if (now > files.stop.at + 2 * files.head.graceMs + STOP_MARGIN_MS) return "force";
  return signalled ? "none" : "signal";
}
