import type { RunReport } from "../../protocol/messages.ts";
import type { ProcessIdentity } from "../../runtime/process.ts";
import { readEnd } from "./end-record.ts";
import type { RunFiles, RunHead } from "./observation.ts";
import { readClaim, readProgram, readStop } from "./run-directory.ts";

/** What is kept in memory of a run: only what never changes, and what this process has done about it. */
export interface KnownRun {
  head: RunHead;
  claim?: Extract<RunFiles["claim"], object>;
  program?: Extract<RunFiles["program"], object>;
  end?: RunReport;
  /** What follows from the end has been done. */
  endSeen: boolean;
  signalled: boolean;
  attempts: number;
  launched?: ProcessIdentity;
  /** On the monotonic clock: when the run was handed to a supervisor that waited. That is tried once. */
  handedOver?: number;
  launchError?: string;
  /** On the monotonic clock. */
  notBefore: number;
}

/** Claim, program and end never change once they are there, so each is read until it is. The end comes first: it is written last. */
export async function readFiles(directory: string, known: KnownRun): Promise<RunFiles> {
  const end = known.end ?? (await readEnd(directory));
  if (end !== undefined) {
    known.end = end;
    return { head: known.head, end };
  }
  const stop = await readStop(directory);
  const program = known.program ?? (await readProgram(directory));
  const claim = known.claim ?? (await readClaim(directory));
  if (program !== undefined) known.program = program;
  if (claim !== undefined) known.claim = claim;
  return {
    head: known.head,
    ...(claim === undefined ? {} : { claim }),
    ...(program === undefined ? {} : { program }),
    ...(stop === undefined ? {} : { stop }),
  };
}
