import type { FaultRecord } from "./faults.ts";
import { isEnd, type Orders, type RunView } from "./orders.ts";
import type { LedgerEntry } from "./programs.ts";

/** What the runs came to. */
export interface Judgement {
  /** Runs by what became of them, `failed (ExitCode)` and the like. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly violations: readonly string[];
}

/** Compares what was told of each run with what its program wrote down itself and with what was done to it. Pure. */
export function judge(
  runs: readonly RunView[],
  orders: Pick<Orders, "placed" | "firstEnds" | "behaviour">,
  ledger: ReadonlyMap<string, LedgerEntry>,
  faults: FaultRecord,
): Judgement {
  const violations: string[] = [];
  const outcomes = new Map<string, number>();
  const byId = new Map(runs.map((run) => [run.runId, run]));
  for (const runId of orders.placed.keys()) {
    if (!byId.has(runId)) violations.push(`run ${runId} was taken by the gateway, which no longer knows it`);
  }
  for (const runId of ledger.keys()) {
    if (!byId.has(runId)) violations.push(`a program ran for ${runId}, which nobody ordered`);
  }
  for (const run of runs) {
    const name = run.failure === undefined ? run.state : `${run.state} (${run.failure.category})`;
    outcomes.set(name, (outcomes.get(name) ?? 0) + 1);
    const entry = ledger.get(run.runId) ?? { starts: 0, exits: [], configurationFiles: [] };
    const first = orders.firstEnds.get(run.runId);
    const words = [
      ...(first !== undefined && first !== run.state ? [`its end was ${first} before`] : []),
      ...problems(run, entry, faults),
    ];
    const type = orders.behaviour(run.pipelineId)?.type;
    for (const word of words) {
      violations.push(`run ${run.runId} (${type}) is ${name}: ${word}; ${run.failure?.detail ?? run.proof ?? ""}`);
    }
  }
  violations.push(...overlaps(runs, ledger));
  return { outcomes, violations };
}

/** Runs of one pipeline that were at work at the same time: by what their programs wrote down, and by the moments that were told. */
function overlaps(runs: readonly RunView[], ledger: ReadonlyMap<string, LedgerEntry>): string[] {
  const found: string[] = [];
  const compare = (how: string, spans: readonly Span[]): void => {
    const inOrder = spans.toSorted((left, right) => left.from - right.from);
    for (const [index, { runId, from }] of inOrder.entries()) {
      const before = inOrder[index - 1];
      if (before !== undefined && from < before.to) {
        found.push(`run ${runId} began before ${before.runId} of the same pipeline had ended, by ${how}`);
      }
    }
  };
  for (const ofPipeline of Map.groupBy(runs, ({ pipelineId }) => pipelineId).values()) {
    const written = ofPipeline.flatMap(({ runId }) => {
      const { startLine, exitLine } = ledger.get(runId) ?? {};
      // A program that was killed wrote no exit; when it ended is told only.
      return startLine === undefined ? [] : [{ runId, from: startLine, to: exitLine ?? startLine }];
    });
    compare("the ledger", written);
    const told = ofPipeline.flatMap(({ runId, startedAt, endedAt }) =>
      startedAt === undefined || endedAt === undefined
        ? []
        : [{ runId, from: Date.parse(startedAt), to: Date.parse(endedAt) }],
    );
    compare("the times that were told", told);
  }
  return found;
}

interface Span {
  readonly runId: string;
  readonly from: number;
  readonly to: number;
}

function problems(run: RunView, { starts, exits }: LedgerEntry, faults: FaultRecord): string[] {
  const found: string[] = [];
  const must = (holds: boolean, words: string): void => {
    if (!holds) found.push(words);
  };
  const supervisorKilled = faults.supervisorKilled.has(run.runId);
  const programKilled = faults.programKilled.has(run.runId);
  const stopped = faults.stopped.has(run.runId);
  const [exit] = exits;
  must(isEnd(run.state), `it never ended (${run.dispatch})`);
  must(starts <= 1, `its program was started ${starts} times`);
  must(exits.length <= 1, `its program ended ${exits.length} times`);
  must(run.attempt === 1, `it is attempt ${run.attempt}`);
  switch (run.state) {
    case "success":
      must(exit === 0, `its program wrote ${exit === undefined ? "no exit" : `exit ${exit}`}`);
      break;
    case "stopped":
      must(stopped, "nobody had asked for a stop");
      break;
    case "failed":
      switch (run.failure?.category) {
        case "ExitCode":
          must(exit !== 0 && exit === run.exitCode, `its program wrote exit ${exit}, told is ${run.exitCode}`);
          break;
        case "Killed":
          must(programKilled, "nobody had killed its program");
          break;
        case "Lost":
          must(supervisorKilled, "nobody had killed its supervisor");
          break;
        default:
          must(false, "nothing that was done to it explains this");
      }
      break;
  }
  // What wasn't disturbed must be told as it was.
  if (exit === 0 && !supervisorKilled && !programKilled && !stopped) {
    must(run.state === "success", "its program wrote exit 0 and nobody disturbed it");
  }
  return found;
}
