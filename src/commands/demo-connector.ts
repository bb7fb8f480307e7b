import { systemClock } from "../base/clock.ts";
import { explainError } from "../base/errors.ts";
import { ingest } from "../demo/connector/ingest.ts";
import { readConnectorInput } from "../demo/connector/input.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { environment, writeError, writeOut } from "../runtime/system.ts";

/** Rest after each table: eight of them take about a second. */
const PAUSE_MS = 130;

export const flags: FlagTable = {};

/** `hybrid-runner demo-connector`: the demo's ingestion program, started like any other through the container contract. */
export async function run(): Promise<number> {
  try {
    const log = (line: string): Promise<void> => writeOut(`${line}\n`);
    await ingest(readConnectorInput(environment()), { clock: systemClock, log, pauseMs: PAUSE_MS });
    return 0;
  } catch (error) {
    await writeError(`${explainError(error)}\n`);
    return 1;
  }
}
