/* Writes every generated file, or with --check says which are stale and exits with 1. */

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { generatedFiles } from "./generate/generated-files.ts";

const root = join(import.meta.dirname, "..");
const check = process.argv.includes("--check");
const stale: string[] = [];

for (const { path, make } of generatedFiles) {
  const file = join(root, path);
  const before = await readFile(file, "utf8").catch(() => "");
  const after = format(path, await make(before));
  if (before === after) continue;
  stale.push(path);
  if (!check) await writeFile(file, after);
}

function format(path: string, text: string): string {
  if (!/\.(ts|json)$/.test(path)) return text;
  const biome = join(root, "node_modules", "@biomejs", "biome", "bin", "biome");
  return execFileSync(process.execPath, [biome, "format", `--stdin-file-path=${path}`], {
    input: text,
    encoding: "utf8",
    cwd: root,
  });
}

if (check && stale.length > 0) {
  process.stdout.write(`stale: ${stale.join(", ")}\nnext: npm run generate\n`);
  process.exit(1);
}
process.stdout.write(stale.length === 0 ? "all generated files are up to date\n" : `written: ${stale.join(", ")}\n`);
