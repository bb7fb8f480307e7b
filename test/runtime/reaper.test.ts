import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const PROGRAM = fileURLToPath(new URL("reaper-program.ts", import.meta.url));
const isLinux = process.platform === "linux";

async function run(how: "reaping" | "idle"): Promise<unknown> {
  const { stdout } = await promisify(execFile)(process.execPath, [PROGRAM, how]);
  return JSON.parse(stdout);
}

test.runIf(isLinux)("orphans are taken up, and the own child's end is still told", { timeout: 60_000 }, async () => {
  expect(await run("reaping")).toEqual({ exitCode: 7, zombies: 0, children: 0 });
  // The same without: this is what is measured.
  expect(await run("idle")).toEqual({ exitCode: 7, zombies: 300, children: 0 });
});
