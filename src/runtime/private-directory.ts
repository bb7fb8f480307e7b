import { chmod, mkdtemp, readdir, realpath } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDirectory } from "./make-directory.ts";

/** Makes a new directory in the system's temporary directory that only this user may enter; its real path. */
export async function makeTemporaryDirectory(prefix: string): Promise<string> {
  const path = await realpath(await mkdtemp(join(tmpdir(), prefix)));
  await chmod(path, 0o700);
  return path;
}

/**
 * Makes `path` a directory that only this user may enter; its real path, or undefined when it holds something already,
 * which is then left as it is.
 */
export async function takeEmptyDirectory(path: string): Promise<string | undefined> {
  await makeDirectory(path);
  if ((await readdir(path)).length > 0) return undefined;
  await chmod(path, 0o700);
  return realpath(path);
}
