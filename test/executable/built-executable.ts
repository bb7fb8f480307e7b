import { execFile } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..", "..");
const executable = join(root, "dist", process.platform === "win32" ? "hybrid-runner.exe" : "hybrid-runner");

/** Limit for making the executable; hand the hook that calls `builtExecutable` a little more. */
export const BUILD_LIMIT_MS = 240_000;

/** Path of dist/hybrid-runner, made first when it is missing or older than what it is made of. */
export async function builtExecutable(): Promise<string> {
  if (!existsSync(executable) || statSync(executable).mtimeMs < newestSource()) {
    const build = [join(root, "scripts", "build.ts")];
    await promisify(execFile)(process.execPath, build, { cwd: root, timeout: BUILD_LIMIT_MS });
  }
  return executable;
}

/** When the newest file that goes into the executable was changed, in epoch milliseconds. */
function newestSource(): number {
  const sources = ["src", "scripts/build"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(root, folder, name)),
  );
  const times = [...sources, join(root, "package-lock.json")].map((path) => statSync(path).mtimeMs);
  return Math.max(...times);
}
