import { writeFile } from "node:fs/promises";

/** Replaces what stands in a file that is there already or not: a mounted one can't be renamed over. @throws the system's error */
export async function writeTermination(path: string, text: string): Promise<void> {
  await writeFile(path, text, { mode: 0o600 });
}
