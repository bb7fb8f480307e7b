import { CodedError, describeError, explainError, isKind } from "../../base/errors.ts";
import { DEMO_ERRORS } from "../errors.ts";
import type { TableMetadata } from "../metadata.ts";
import { drawMetadata } from "../metadata-table.ts";
import type { Narrator } from "../narrator.ts";
import type { ScanResult } from "../scan/scan.ts";
import { type Check, judge } from "../verdict.ts";
import { field, type RunView } from "./answers.ts";
import { lastLines } from "./children.ts";
import type { FirstRun } from "./first-run.ts";
import type { Workspace } from "./workspace.ts";

/** What the demo came to; printed by `--json`. */
export interface DemoVerdict {
  /** True when every check holds. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
  readonly run?: RunView;
  readonly metadata?: unknown;
  /** Milliseconds. */
  readonly timings: Readonly<Record<string, number>>;
  readonly scanned?: ScanResult;
  /** Why it could not be played to the end. */
  readonly error?: { readonly code: string; readonly message: string; readonly advice: string };
  /** Where everything lies, when it was kept. */
  readonly directory?: string;
}

/** The verdict before anything happened. */
export const NOTHING_YET: DemoVerdict = { ok: false, checks: [], timings: {} };

/** Judges the first run. */
export function makeVerdict(first: FirstRun, timings: DemoVerdict["timings"]): DemoVerdict {
  const { run, metadata, scan } = first.evidence;
  const checks = judge(first.evidence);
  const rounded = Object.fromEntries(Object.entries(timings).map(([name, ms]) => [name, Math.round(ms)]));
  return { ok: checks.every((check) => check.ok), checks, run, metadata, timings: rounded, scanned: scan };
}

/** The verdict of a demo that could not be played to its end. */
export function brokenVerdict(
  error: unknown,
  before: DemoVerdict,
  interrupted: boolean,
  directory?: string,
): DemoVerdict {
  const coded = error instanceof CodedError ? error : undefined;
  const told = {
    code: coded?.code ?? (interrupted ? "Interrupted" : "Unexpected"),
    message: describeError(error),
    advice: coded?.advice ?? (interrupted ? "Start it again" : "Read the logs in the directory"),
  };
  return { ...before, ok: false, error: told, ...(directory === undefined || interrupted ? {} : { directory }) };
}

/** Prints what was discovered, and each check. */
export async function tellVerdict(verdict: DemoVerdict, narrator: Narrator): Promise<void> {
  const tables = field(verdict.metadata, "tables");
  if (Array.isArray(tables)) {
    await narrator.title("What the ingestion discovered");
    await narrator.plain(drawMetadata(tables as TableMetadata[]));
  }
  await narrator.title("Verdict");
  for (const { name, ok, detail } of verdict.checks) await narrator[ok ? "done" : "failed"](`${name}: ${detail}`);
  const end = verdict.ok ? "All of it holds" : "Not all of it holds";
  await narrator.plain([`${end}, after ${verdict.timings["totalMs"]} ms`]);
}

/** Prints why the demo broke off, with the programs' last words where they may explain it. */
export async function tellBroken(error: unknown, narrator: Narrator, workspace?: Workspace): Promise<void> {
  await narrator.failed(explainError(error));
  if (workspace === undefined || !isKind(error, DEMO_ERRORS.DemoStepTooSlow)) return;
  for (const file of [workspace.gatewayLog, workspace.runnerLog]) {
    await narrator.plain([`last lines of ${file}:`, ...(await lastLines(file)).map((line) => `  ${line}`)]);
  }
}
