import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One source file: its path in the repository (with `/`) and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** The repository's root. */
export const ROOT: string = join(import.meta.dirname, "..", "..");

/** Every TypeScript file under a folder of the repository, sorted by path. */
export function readSources(folder: string): readonly Source[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .filter((path) => path.endsWith(".ts"))
    .sort()
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), "utf8") }));
}
