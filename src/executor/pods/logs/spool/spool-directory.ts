import { joinPath, listDirectory, readTextIfExists, writeDurably } from "../../../../runtime/files.ts";

/** Where the spools of a data directory are: a directory for each run. */
export function spoolsDirectory(dataDirectory: string): string {
  return joinPath(dataDirectory, "pod-logs");
}

/** Where the spool of a run is. */
export function spoolDirectory(dataDirectory: string, runId: string): string {
  return joinPath(spoolsDirectory(dataDirectory), runId);
}

/** Ids of the runs that have a spool. */
export async function listSpools(dataDirectory: string): Promise<readonly string[]> {
  return (await listDirectory(spoolsDirectory(dataDirectory))).filter((name) => !name.startsWith("."));
}

/** True for what may be the name of a spool: nothing that leads elsewhere. */
export function isSpoolName(runId: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_.-]*$/.test(runId);
}

/** Notes durably that the log was acknowledged. @throws the system's error */
export async function writeReleased(directory: string, at: number): Promise<void> {
  await writeDurably(releasedPath(directory), JSON.stringify({ at }));
}

/** Epoch milliseconds of the acknowledgement; undefined when there was none, 0 when that can't be read. */
export async function readReleased(directory: string): Promise<number | undefined> {
  const text = await readTextIfExists(releasedPath(directory));
  if (text === undefined) return undefined;
  const at: unknown = /^\{"at":(\d+)\}$/.exec(text)?.[1];
  return Number(at ?? 0);
}

function releasedPath(directory: string): string {
  return joinPath(directory, "released.json");
}
