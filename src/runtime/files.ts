import { constants, watch as watchPath } from "node:fs";
import * as fs from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { CodedError, errorCode } from "../base/errors.ts";
import { RUNTIME_ERRORS } from "./errors.ts";

export {
  basename as baseName,
  dirname as directoryOf,
  join as joinPath,
  sep as pathSeparator,
} from "node:path";
export { makeDirectory } from "./make-directory.ts";

/** The whole path. @throws CodedError WorkingDirectoryGone when a relative one has nothing left to start from */
export function absolutePath(path: string): string {
  try {
    return resolve(path);
  } catch (cause) {
    throw new CodedError(
      RUNTIME_ERRORS.WorkingDirectoryGone,
      `Cannot find ${path}: the directory that this program was started in has been removed`,
      { cause },
    );
  }
}

/** Whole text of a file, or undefined when there is none. Other failures are thrown. */
export async function readTextIfExists(path: string): Promise<string | undefined> {
  try {
    return await fs.readFile(path, "utf8");
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/** Writes a file so that after a crash there is the old text or the new one, never half: temporary file, fsync, rename, fsync of the directory. */
export async function writeDurably(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await writeAndSync(temporary, text, "wx", mode);
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await syncDirectory(dirname(path));
}

/** Writes a file so that whoever looks sees all of the new text or none of it. It may be lost, or empty, after a power cut. */
export async function writeWhole(path: string, text: string, mode = 0o600): Promise<void> {
  const temporary = temporaryBeside(path);
  try {
    await fs.writeFile(temporary, text, { flag: "wx", mode });
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
}

/**
 * Creates a file that must not exist yet, durably and with all its text at once (a hard link is made to a finished
 * temporary file). False when it exists: somebody else was first.
 */
export async function createExclusively(path: string, text: string, mode = 0o600): Promise<boolean> {
  const temporary = temporaryBeside(path);
  try {
    await writeAndSync(temporary, text, "wx", mode);
    await fs.link(temporary, path);
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  } finally {
    await fs.rm(temporary, { force: true });
  }
  await syncDirectory(dirname(path));
  return true;
}

/**
 * Makes a new directory, mode 0700, with these files in it, mode 0600; all of it is on the disk when it answers, but for the
 * directory's own name, which `publishDirectory` brings there. @throws the system's error, `EEXIST` when there is one already
 */
export async function makeDirectoryWith(path: string, files: Readonly<Record<string, string>>): Promise<void> {
  await fs.mkdir(path, { mode: 0o700 });
  await Promise.all(Object.entries(files).map(([name, text]) => writeAndSync(join(path, name), text, "wx", 0o600)));
  await syncDirectory(path);
}

/**
 * Gives a finished directory its name, durably, so that it is seen whole or not at all. False when the name is taken
 * by something that isn't an empty directory.
 */
export async function publishDirectory(finished: string, path: string): Promise<boolean> {
  try {
    await fs.rename(finished, path);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST", "ENOTDIR"].includes(errorCode(error) ?? "")) return false;
    throw error;
  }
  await syncDirectory(dirname(path));
  return true;
}

/** Names in a directory, sorted; empty when there is none. */
export async function listDirectory(path: string): Promise<readonly string[]> {
  try {
    return (await fs.readdir(path)).sort();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Removes a file or a directory with all in it; it may be gone already. */
export async function remove(path: string): Promise<void> {
  await fs.rm(path, { recursive: true, force: true });
}

/** Size in bytes, or undefined when there is no such file. */
export async function fileSize(path: string): Promise<number | undefined> {
  try {
    return (await fs.stat(path)).size;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Up to `limit` bytes from `offset`; fewer at the end, none when the file is missing. */
export async function readBytes(path: string, offset: number, limit: number): Promise<Uint8Array> {
  let handle: fs.FileHandle;
  try {
    handle = await fs.open(path, constants.O_RDONLY);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return new Uint8Array(0);
    throw error;
  }
  try {
    const buffer = new Uint8Array(limit);
    const { bytesRead } = await handle.read(buffer, 0, limit, offset);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

/** The real path behind links, or undefined when there is nothing. */
export async function realPath(path: string): Promise<string | undefined> {
  try {
    return await fs.realpath(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT" || errorCode(error) === "ENOTDIR") return undefined;
    throw error;
  }
}

/**
 * Calls `changed` when something in the directory may have changed, with its name where the system tells it; misses are
 * possible, so poll as well. The answer stops it.
 */
export function watchDirectory(path: string, changed: (name: string | undefined) => void): () => void {
  try {
    const watcher = watchPath(path, { persistent: false }, (_event, name) => changed(name ?? undefined));
    watcher.on("error", () => watcher.close());
    return () => watcher.close();
  } catch {
    return () => undefined;
  }
}

function temporaryBeside(path: string): string {
  return join(dirname(path), `.${basename(path)}.${crypto.randomUUID()}`);
}

async function writeAndSync(path: string, text: string, flags: string, mode: number): Promise<void> {
  const handle = await fs.open(path, flags, mode);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** So that the name itself survives a power cut; where directories can't be opened (Windows) the file's own sync has to do. */
async function syncDirectory(path: string): Promise<void> {
  let handle: fs.FileHandle | undefined;
  try {
    handle = await fs.open(path, constants.O_RDONLY);
    await handle.sync();
  } catch (error) {
    if (!["EISDIR", "EPERM", "EINVAL", "EACCES", "ENOTSUP"].includes(errorCode(error) ?? "")) throw error;
  } finally {
    await handle?.close();
  }
}
