import { type Clock, sleep } from "../../../../base/clock.ts";
import { fileSize, readTextIfExists } from "../../../../runtime/files.ts";
import type { LogPiece } from "../../../executor.ts";
import { spoolJournalPath, spoolTextPath } from "./spool.ts";
import { listSpools, readReleased, spoolDirectory } from "./spool-directory.ts";
import { readSpoolPiece } from "./spool-reader.ts";
import { readFacts, type SpoolFacts } from "./spool-records.ts";

/*
 * Looks at the spooled logs of a data directory from another process than the runner's: writes nothing.
 */

/** A run of a pod whose log is spooled here. What its state is, the cluster knows. */
export interface PodLogOnSite {
  readonly runId: string;
  readonly state: "log open" | "log ended";
  readonly createdAt?: number;
  /** So far. */
  readonly logBytes: number;
  /** The gateway has the log; it is kept until retention removes it. */
  readonly delivered: boolean;
}

const POLL_MS = 250;
const PIECE_BYTES = 262_144;

/** Every spooled log of a data directory, oldest first. */
export async function listPodLogsOnSite(dataDirectory: string): Promise<readonly PodLogOnSite[]> {
  const logs: PodLogOnSite[] = [];
  for (const runId of await listSpools(dataDirectory)) {
    const directory = spoolDirectory(dataDirectory, runId);
    const { createdAt, bytes, end } = await factsOf(directory);
    const delivered = (await readReleased(directory)) !== undefined;
    const state = end === undefined && !delivered ? "log open" : "log ended";
    logs.push({ runId, state, ...(createdAt === undefined ? {} : { createdAt }), logBytes: bytes, delivered });
  }
  return logs.sort((left, right) => (left.createdAt ?? 0) - (right.createdAt ?? 0));
}

/** A spooled log in pieces, from its beginning; with `follow` to its end, otherwise what is there now. */
export async function* readPodLogOnSite(
  dataDirectory: string,
  runId: string,
  options: { readonly follow: boolean; readonly clock: Clock; readonly signal: AbortSignal },
): AsyncIterable<LogPiece> {
  const directory = spoolDirectory(dataDirectory, runId);
  let offset = 0;
  while (!options.signal.aborted) {
    const piece = await readSpoolPiece(directory, await factsOf(directory), offset, PIECE_BYTES);
    if (piece.text !== "") yield piece;
    offset = piece.nextOffset;
    if (piece.text !== "") continue;
    if (!options.follow || piece.ended || (await fileSize(spoolTextPath(directory))) === undefined) return;
    await sleep(options.clock, POLL_MS, options.signal).catch(() => undefined);
  }
}

async function factsOf(directory: string): Promise<SpoolFacts> {
  return readFacts((await readTextIfExists(spoolJournalPath(directory))) ?? "");
}
