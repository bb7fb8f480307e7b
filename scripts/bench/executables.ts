import { spawn } from "node:child_process";
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeExecutable } from "../build/executable.ts";
import { exitOf } from "./processes.ts";

const PARTS = ["src", "scripts/build", "scripts/build.ts", "package-lock.json"];
const EMPTY_PROGRAM = 'if (process.argv[2] === "idle") setInterval(() => undefined, 1e6);';

/** Path of the built executable; it is built first when it is older than what it is made of. */
export async function builtExecutable(root: string): Promise<string> {
  const path = join(root, "dist", "hybrid-runner");
  const made = (await stat(path).catch(() => undefined))?.mtimeMs ?? 0;
  if (made < (await newest(root, PARTS))) {
    const build = spawn(process.execPath, [join(root, "scripts/build.ts")], { stdio: ["ignore", 2, 2] });
    if ((await exitOf(build)) !== 0) throw new Error("Cannot measure: the executable can't be built");
  }
  return path;
}

/** An executable made like ours of the same Node, with nothing in it. */
export async function emptyExecutable(directory: string): Promise<string> {
  const path = join(directory, "empty");
  await makeExecutable(EMPTY_PROGRAM, path);
  return path;
}

async function newest(root: string, parts: readonly string[]): Promise<number> {
  let latest = 0;
  for (const part of parts) {
    const { mtimeMs } = await stat(join(root, part));
    latest = Math.max(latest, mtimeMs);
    const inside = await readdir(join(root, part), { recursive: true, withFileTypes: true }).catch(() => []);
    for (const entry of inside) {
      if (!entry.isFile()) continue;
      latest = Math.max(latest, (await stat(join(entry.parentPath, entry.name))).mtimeMs);
    }
  }
  return latest;
}
