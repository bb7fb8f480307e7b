import * as fs from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describeError, errorCode } from "../base/errors.ts";
import { makeDirectory } from "./make-directory.ts";

/** A lock that one process holds at a time. */
export interface ExclusiveLock {
  /** Gives it back; calling it again is harmless. */
  release(): void;
}

/**
 * Takes the lock that a file stands for, or undefined when another process (or another part of this one) has it.
 * SQLite's own file lock is used because the operating system gives it back however the process ends, SIGKILL included.
 * Nothing else may open the file: closing any other handle on it would drop the lock (POSIX). Not for network file systems.
 * @throws the system's or SQLite's error when the file can't be used
 */
export async function takeExclusiveLock(path: string): Promise<ExclusiveLock | undefined> {
  await makeDirectory(dirname(path));
  await makePrivate(path);
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (/database is locked/.test(describeError(error))) return undefined;
    throw error;
  }
  let held = true;
  return {
    release: () => {
      if (held) database.close();
      held = false;
    },
  };
}

/** Whoever may read the file can hold a lock on it; and no handle is opened on one that exists. */
async function makePrivate(path: string): Promise<void> {
  try {
    await fs.writeFile(path, "", { flag: "wx", mode: 0o600 });
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
    await fs.chmod(path, 0o600);
  }
}
