import { chmod, mkdtemp, open, readdir, readFile, realpath, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { errorCode } from "../base/errors.ts";

/** A directory that only this user may enter, and whether what is in it stays in memory. */
export interface PrivateDirectory {
  readonly path: string;
  /** False: on a disk, because no memory file system can be written here. */
  readonly inMemory: boolean;
}

/** How the directories of one run begin, by the run's mark; for writing them and for clearing away what a killed process left. */
export function runFilesPrefix(mark: string): string {
  return `hybrid-runner-${mark.replace(/[^A-Za-z0-9_-]/g, "_").slice(0, 100)}-`;
}

/**
 * Makes a new directory of mode 0700 with one file of mode 0600 in it, on a memory file system when there is one:
 * /dev/shm, else XDG_RUNTIME_DIR, else the temporary directory. A place that is full or not writable is passed over.
 * @throws the system's error of the last place when none takes the file
 */
export async function writePrivateFile(
  prefix: string,
  fileName: string,
  text: string,
  runtimeDirectory: string | undefined,
): Promise<PrivateDirectory> {
  const places = ["/dev/shm", ...(runtimeDirectory === undefined ? [] : [runtimeDirectory])];
  for (const place of places) {
    if (!(await isMemory(place))) continue;
    try {
      return { path: await writeIn(place, prefix, fileName, text), inMemory: true };
    } catch {
      // the next place may take it
    }
  }
  return { path: await writeIn(tmpdir(), prefix, fileName, text), inMemory: false };
}

/** Removes directories of `writePrivateFile` that a killed process has left; `prefix` must tell whose they are. */
export async function removePrivateFiles(prefix: string, runtimeDirectory: string | undefined): Promise<void> {
  for (const place of ["/dev/shm", runtimeDirectory, tmpdir()]) {
    if (place === undefined) continue;
    const names = await readdir(place).catch((): string[] => []);
    for (const name of names.filter((candidate) => candidate.startsWith(prefix))) {
      await rm(join(place, name), { recursive: true, force: true });
    }
  }
}

async function writeIn(place: string, prefix: string, fileName: string, text: string): Promise<string> {
  const directory = await mkdtemp(join(place, prefix));
  try {
    await chmod(directory, 0o700);
    const handle = await open(join(directory, fileName), "wx", 0o600);
    try {
      await handle.writeFile(text);
    } finally {
      await handle.close();
    }
    return directory;
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** True when the path lies on tmpfs or ramfs, by the mount with the longest path above it (proc_pid_mounts(5)). */
async function isMemory(path: string): Promise<boolean> {
  try {
    const real = await realpath(path);
    let best = { point: "", type: "" };
    for (const line of (await readFile("/proc/self/mounts", "utf8")).split("\n")) {
      const [, rawPoint, type] = line.split(" ");
      if (rawPoint === undefined || type === undefined) continue;
      const point = rawPoint.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      const above = point === "/" || real === point || real.startsWith(`${point}/`);
      if (above && point.length >= best.point.length) best = { point, type };
    }
    return best.type === "tmpfs" || best.type === "ramfs";
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return false;
  }
}
