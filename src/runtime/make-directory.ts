import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { errorCode } from "../base/errors.ts";

/**
 * Makes a directory with its missing parents; it may exist. Step by step, because the runtime's own recursive way goes round for ever
 * where a directory refuses children with `ENOENT` (as /proc does), and tells a read-only file system as a missing directory.
 * @throws the system's error: `EEXIST` when a file has the name, `ENOENT` below a link that leads nowhere
 */
export async function makeDirectory(path: string, mode = 0o700): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const code = errorCode(error);
    const parent = dirname(path);
    if (code === "ENOENT" && parent !== path && !(await isThere(parent))) {
      await makeDirectory(parent, mode);
      await mkdir(path, { mode }).catch((failure: unknown) => unlessDirectory(path, failure));
    } else await unlessDirectory(path, error);
  }
}

/** Some systems name other obstacles before they see that the directory is there already. */
async function unlessDirectory(path: string, error: unknown): Promise<void> {
  const found = await stat(path).catch((failure: unknown) => {
    // The name is taken, and nothing stands behind it: what is missing is where the link leads.
    throw errorCode(error) === "EEXIST" ? failure : error;
  });
  if (!found.isDirectory()) throw error;
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    (error: unknown) => errorCode(error) !== "ENOENT",
  );
}
