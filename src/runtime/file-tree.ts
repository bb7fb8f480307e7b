import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { errorCode } from "../base/errors.ts";

/**
 * Every regular file at or below `path`, sorted; `path` may be a file itself. Links are not followed, sockets and pipes are
 * left out, and what disappears while we look is not an error.
 */
export async function filesUnder(path: string): Promise<readonly string[]> {
  let isFile: boolean;
  try {
    isFile = (await stat(path)).isFile();
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  return isFile ? [path] : walk(path);
}

async function walk(directory: string): Promise<string[]> {
  const found: string[] = [];
  let entries: { name: string; isDirectory(): boolean; isFile(): boolean }[];
  try {
    entries = await readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
  for (const entry of entries) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) found.push(...(await walk(path)));
    else if (entry.isFile()) found.push(path);
  }
  return found.sort();
}
