/*
 * Makes the root file system of the runner's image: npm run image -- [--executable FILE] OUT_DIRECTORY
 * Without --executable the executable is built first. No container tool is needed; any that makes an image of a folder will do.
 * The image's entrypoint is /usr/local/bin/hybrid-runner, its arguments are `run` unless others are given, its user is 10001.
 */

import { execFile } from "node:child_process";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";
import { IMAGE_ARGUMENTS, IMAGE_ENTRYPOINT, IMAGE_USER, writeRootFileSystem } from "./image/root-file-system.ts";

const root = join(import.meta.dirname, "..");
/** Limit of building the executable. */
const LIMIT_MS = 240_000;

try {
  const { values, positionals } = parseArgs({ options: { executable: { type: "string" } }, allowPositionals: true });
  const [output, ...more] = positionals;
  if (output === undefined || more.length > 0) throw new Error("Usage: image [--executable FILE] OUT_DIRECTORY");
  if (process.platform !== "linux") throw new Error("Cannot make an image: that needs Linux");
  await writeRootFileSystem(resolve(values.executable ?? (await build())), resolve(output));
  process.stdout.write(
    `${output}: entrypoint ${IMAGE_ENTRYPOINT.join(" ")}, arguments ${IMAGE_ARGUMENTS.join(" ")}, user ${IMAGE_USER.id}\n`,
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function build(): Promise<string> {
  await promisify(execFile)(process.execPath, [join(root, "scripts", "build.ts")], { cwd: root, timeout: LIMIT_MS });
  return join(root, "dist", "hybrid-runner");
}
