import { constants } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { relative, sep } from "node:path";
import { errorCode } from "../base/errors.ts";

/** What stands at a path, links followed. */
export type PathKind = "file" | "directory" | "other" | "missing";

/** Tells what a path is. @throws the system's error (`EACCES`, `EIO` …) when that can't be told */
export async function pathKind(path: string): Promise<PathKind> {
  try {
    const found = await stat(path);
    if (found.isFile()) return "file";
    return found.isDirectory() ? "directory" : "other";
  } catch (error) {
    if (isMissing(error)) return "missing";
    throw error;
  }
}

/**
 * Bytes of a regular file, at most `limit`; undefined when there is none. Never waits on a pipe or a device: what isn't a
 * regular file is undefined too. @throws the system's error (`EACCES`, `EIO` …)
 */
export async function readRegularFile(path: string, limit: number): Promise<Uint8Array | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (isMissing(error) || errorCode(error) === "EISDIR" || errorCode(error) === "ENXIO") return undefined;
    throw error;
  }
  try {
    const found = await handle.stat();
    if (!found.isFile()) return undefined;
    const buffer = new Uint8Array(Math.min(limit, found.size + 1));
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await handle.read(buffer, filled, buffer.length - filled, filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return buffer.subarray(0, filled);
  } finally {
    await handle.close();
  }
}

/** The real path of `path` when it is below the real path of `root`; otherwise whether it is missing or leads outside. */
export async function realPathBelow(
  root: string,
  path: string,
): Promise<{ readonly path: string } | "missing" | "outside"> {
  try {
    const [base, target] = [await realpath(root), await realpath(path)];
    const way = relative(base, target);
    if (way === "" || way === ".." || way.startsWith(`..${sep}`) || way.startsWith(sep)) return "outside";
    return { path: target };
  } catch (error) {
    if (isMissing(error)) return "missing";
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ENAMETOOLONG"].includes(errorCode(error) ?? "");
}
