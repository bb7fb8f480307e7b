/* Makes dist/hybrid-runner: the whole program with its runtime in one file, for this platform. */

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { makeExecutable } from "./build/executable.ts";
import { makeParts } from "./build/parts.ts";

const root = join(import.meta.dirname, "..");
const output = join(root, "dist", process.platform === "win32" ? "hybrid-runner.exe" : "hybrid-runner");
const start = performance.now();

try {
  await mkdir(dirname(output), { recursive: true });
  const { size, bytes } = await make();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(
    `${relative(root, output)}: ${megabytes(size)} MB (${megabytes(bytes)} MB of it our code and its libraries, the rest node ${process.versions.node}), in ${seconds} s\n`,
  );
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function make(): Promise<{ readonly size: number; readonly bytes: number }> {
  const work = await mkdtemp(join(dirname(output), ".parts-"));
  try {
    const { main, assets, bytes } = await makeParts(root, work);
    return { size: await makeExecutable(main, output, assets), bytes };
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function megabytes(count: number): string {
  return (count / 1_000_000).toFixed(1);
}
