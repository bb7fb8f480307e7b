import * as fs from "node:fs/promises";
import { join } from "node:path";

/** Bytes that this user may still write where `path` is, as the file system tells; a quota of its own isn't known to it. */
export async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await fs.statfs(path);
  return bavail * bsize;
}

/**
 * Copies files from one directory into another that exists, each under its name and in its place whole or not at all; those
 * that are there are replaced. All get the same mode. @throws the system's error
 */
export async function copyFiles(names: readonly string[], from: string, to: string, mode: number): Promise<void> {
  for (const name of names) {
    const temporary = join(to, `.${name}.${crypto.randomUUID()}`);
    try {
      await fs.copyFile(join(from, name), temporary);
      await fs.chmod(temporary, mode);
      await fs.rename(temporary, join(to, name));
    } finally {
      await fs.rm(temporary, { force: true });
    }
  }
}
