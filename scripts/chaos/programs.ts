import { readFile } from "node:fs/promises";
import type { Chance } from "./chance.ts";

/*
 * The program of every run: a shell script that does what its pipeline's type says, and writes into one ledger when it starts and
 * when it ends. The ledger is what really happened; all else is what was told about it.
 */

/** A way to behave. The weight says how often it is ordered. */
export interface Behaviour {
  readonly type: string;
  readonly weight: number;
  readonly exitCode: number;
}

export const BEHAVIOURS: readonly Behaviour[] = [
  { type: "quick", weight: 40, exitCode: 0 },
  { type: "brief", weight: 20, exitCode: 0 },
  { type: "failing", weight: 12, exitCode: 7 },
  { type: "loud", weight: 8, exitCode: 0 },
  { type: "daemon", weight: 8, exitCode: 0 },
  { type: "long", weight: 6, exitCode: 0 },
  { type: "stubborn", weight: 6, exitCode: 0 },
];

/** Ordered apart from the others: prints `$FLOOD_MEGABYTES`. */
export const FLOOD: Behaviour = { type: "flood", weight: 0, exitCode: 0 };
/** Ordered at the end: waits until the file `gate` is there, so that all places can be seen taken at once. */
export const GATED: Behaviour = { type: "gated", weight: 0, exitCode: 0 };

/** Resolved in every run and printed by some: it must be in no log. */
export const SECRET = "correct-horse-battery-staple";

/** Lines that a loud program prints. */
export const LOUD_LINES = 20_000;

export const SCRIPT: string = `#!/bin/sh
echo "start $pipelineRunId $$ $1" >> "$LEDGER"
finish() { echo "exit $pipelineRunId $1" >> "$LEDGER"; exit "$1"; }
case "$pipelineType" in
  quick) echo quick; finish 0 ;;
  brief) cat "$1"; echo; sleep 0.2; finish 0 ;;
  failing) echo "this went wrong" >&2; finish 7 ;;
  loud) seq -f 'line %.0f' 1 ${LOUD_LINES}; finish 0 ;;
  daemon) setsid sleep 300 & echo "left one behind"; finish 0 ;;
  long) i=0; while [ $i -lt 15 ]; do echo "step $i"; sleep 0.2; i=$((i+1)); done; finish 0 ;;
  stubborn) trap '' TERM; i=0; while [ $i -lt 15 ]; do sleep 0.2; i=$((i+1)); done; finish 0 ;;
  gated) while [ ! -e "$GATE" ]; do sleep 0.2; done; finish 0 ;;
  flood) head -c "$FLOOD_MEGABYTES"M /dev/zero | tr '\\0' x | fold -w 99; finish 0 ;;
esac
`;

/** The behaviour of the run with this number. */
export function behaviourOf(chance: Chance): Behaviour {
  return chance.weighted(BEHAVIOURS.map((value) => ({ weight: value.weight, value }))) ?? GATED;
}

/** What the programs wrote about one run. */
export interface LedgerEntry {
  readonly starts: number;
  readonly exits: readonly number[];
  readonly configurationFiles: readonly string[];
  /** Where in the ledger its first start and its last exit stand, which is their order in time. */
  readonly startLine?: number;
  readonly exitLine?: number;
}

/** Reads the ledger: what happened, by run. */
export async function readLedger(path: string): Promise<ReadonlyMap<string, LedgerEntry>> {
  const text = await readFile(path, "utf8").catch(() => "");
  const entries = new Map<string, LedgerEntry>();
  for (const [number, line] of text.split("\n").entries()) {
    const [word, runId, ...rest] = line.split(" ");
    if (word === undefined || word === "" || runId === undefined) continue;
    const known = entries.get(runId) ?? { starts: 0, exits: [], configurationFiles: [] };
    if (word === "start") {
      const configurationFiles = [...known.configurationFiles, rest[1] ?? ""];
      entries.set(runId, { startLine: number, ...known, starts: known.starts + 1, configurationFiles });
    } else entries.set(runId, { ...known, exits: [...known.exits, Number(rest[0])], exitLine: number });
  }
  return entries;
}
