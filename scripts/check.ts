/* Types, lint and generated files, one after another: a line each, what a failed one said, and a summary. */

import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const root = join(import.meta.dirname, "..");
const modules = join(root, "node_modules");
/** Limit of one check. */
const LIMIT_MS = 5 * 60_000;

const checks: readonly { readonly name: string; readonly command: readonly string[] }[] = [
  { name: "types", command: [join(modules, "typescript", "bin", "tsc")] },
  { name: "lint", command: [join(modules, "@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings", "."] },
  { name: "generated files", command: [join(root, "scripts", "generate.ts"), "--check"] },
];

let failed = 0;
for (const { name, command } of checks) {
  const start = performance.now();
  const problem = await run(command);
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  if (problem !== undefined) failed++;
  process.stdout.write(`${problem === undefined ? "ok    " : "FAILED"}  ${name} (${seconds} s)\n${problem ?? ""}`);
}
process.stdout.write(`${checks.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

/** What the command printed when it failed; undefined when it didn't. */
async function run(command: readonly string[]): Promise<string | undefined> {
  try {
    await promisify(execFile)(process.execPath, command, { cwd: root, timeout: LIMIT_MS, maxBuffer: 32 << 20 });
    return undefined;
  } catch (error) {
    const { stdout = "", stderr = "", message } = error as Error & { stdout?: string; stderr?: string };
    return `${`${stdout}${stderr}`.trim() || message}\n`;
  }
}
