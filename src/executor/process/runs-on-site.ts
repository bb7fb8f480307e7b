import { type Clock, sleep } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { fileSize, joinPath } from "../../runtime/files.ts";
import { EXECUTOR_ERRORS } from "../errors.ts";
import type { LogPiece, RunReport } from "../executor.ts";
import { readEnd } from "./end-record.ts";
import { readLogPiece } from "./log-reader.ts";
import { headOf, observe } from "./observation.ts";
import {
  listRunDirectories,
  outputPath,
  type RunIntent,
  readIntent,
  readProgram,
  readReleased,
} from "./run-directory.ts";

/*
 * Looks at the runs of a data directory from another process than the runner's: takes no lock, writes nothing.
 */

/** A run whose directory is there. */
export interface RunOnSite {
  readonly runId: string;
  /** Absent, like `createdAt`, when the run's records can't be read. */
  readonly pipelineName?: string;
  readonly state: RunReport["state"] | "unreadable";
  readonly createdAt?: number;
  readonly endedAt?: number;
  /** So far. */
  readonly logBytes: number;
  /** The gateway has its end and its log; it is kept until retention removes it. */
  readonly delivered: boolean;
}

const POLL_MS = 250;
const PIECE_BYTES = 262_144;

/** Every run of a data directory, oldest first. */
export async function listRunsOnSite(dataDirectory: string): Promise<readonly RunOnSite[]> {
  const runs: RunOnSite[] = [];
  for (const runId of await listRunDirectories(joinPath(dataDirectory, "runs"))) {
    const run = await lookAt(joinPath(dataDirectory, "runs", runId), runId);
    if (run !== undefined) runs.push(run);
  }
  return runs.sort((left, right) => (left.createdAt ?? 0) - (right.createdAt ?? 0));
}

/**
 * The id of the one run whose id begins with `name`.
 * @throws CodedError RunNotOnSite when there is none, or more than one
 */
export async function findRunOnSite(dataDirectory: string, name: string): Promise<string> {
  const directory = joinPath(dataDirectory, "runs");
  const found = (await listRunDirectories(directory)).filter((runId) => runId.startsWith(name.toLowerCase()));
  const [runId] = found;
  if (runId !== undefined && found.length === 1) return runId;
  const state = found.length === 0 ? "there is no such run" : `${found.length} runs begin like that`;
  throw new CodedError(EXECUTOR_ERRORS.RunNotOnSite, `Cannot find run ${name} in ${directory}: ${state}`);
}

/** A run's log in pieces, from its beginning; with `follow` to the run's end, otherwise what is there now. */
export async function* readLogOnSite(
  dataDirectory: string,
  runId: string,
  options: { readonly follow: boolean; readonly clock: Clock; readonly signal: AbortSignal },
): AsyncIterable<LogPiece> {
  const directory = joinPath(dataDirectory, "runs", runId);
  let offset = 0;
  while (!options.signal.aborted) {
    // The end is looked at first: what is read after it is the whole log.
    const end = await readEnd(directory);
    const piece = await readLogPiece(directory, offset, PIECE_BYTES, end?.log?.bytes);
    if (piece.text !== "") yield piece;
    offset = piece.nextOffset;
    if (piece.text !== "") continue;
    if (!options.follow || end !== undefined || (await fileSize(directory)) === undefined) return;
    await sleep(options.clock, POLL_MS, options.signal).catch(() => undefined);
  }
}

/** Undefined when the run was removed meanwhile. */
async function lookAt(directory: string, runId: string): Promise<RunOnSite | undefined> {
  const logBytes = (await fileSize(outputPath(directory))) ?? 0;
  try {
    const intent = await readIntent(directory);
    if (intent === undefined) return undefined;
    const delivered = (await readReleased(directory)) !== undefined;
    return { runId, ...(await factsOf(directory, intent)), logBytes, delivered };
  } catch {
    return { runId, state: "unreadable", logBytes, delivered: false };
  }
}

async function factsOf(
  directory: string,
  intent: RunIntent,
): Promise<Pick<RunOnSite, "pipelineName" | "state" | "createdAt" | "endedAt">> {
  const end = await readEnd(directory);
  const program = await readProgram(directory);
  const { state, endedAt } = observe({
    head: headOf(intent),
    ...(end === undefined ? {} : { end }),
    ...(program === undefined ? {} : { program }),
  });
  return {
    pipelineName: intent.spec.pipelineName,
    state,
    createdAt: intent.createdAt,
    ...(endedAt === undefined ? {} : { endedAt }),
  };
}
