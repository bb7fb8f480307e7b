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
  return { outcomes, violations };
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
