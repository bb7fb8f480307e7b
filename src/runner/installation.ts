import { createExclusively, joinPath, readTextIfExists } from "../runtime/files.ts";

/** The place this runner works in: a random id made once and kept in the data directory (design §4). */
export async function installationId(dataDirectory: string): Promise<string> {
  const path = joinPath(dataDirectory, "installation-id");
  const present = (await readTextIfExists(path))?.trim();
  if (present !== undefined && present !== "") return present;
  const made = crypto.randomUUID();
  if (await createExclusively(path, `${made}\n`)) return made;
  return (await readTextIfExists(path))?.trim() ?? made;
}
