import { execFile, spawnSync } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const OPERATIONS = join(import.meta.dirname, "../../docs/operations.md");
const INSTALLED = "/usr/local/bin/hybrid-runner";
const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

async function units(): Promise<readonly string[]> {
  const text = await readFile(OPERATIONS, "utf8");
  return [...text.matchAll(/^```ini\n(\[Unit\]\n[\s\S]*?)^```$/gm)].map(([, unit = ""]) => unit);
}

/** What systemd finds wrong with a unit, beside that nothing is installed here. */
async function mistakes(unit: string): Promise<string> {
  const directory = await temporaryDirectory();
  const [program, file] = [join(directory, "hybrid-runner"), join(directory, "of-the-documents.service")];
  await writeFile(program, "#!/bin/sh\n");
  await chmod(program, 0o755);
  await writeFile(file, unit.replace(INSTALLED, program));
  const { stdout, stderr } = await promisify(execFile)("systemd-analyze", ["verify", "--man=no", file]).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  return stdout + stderr;
}

if (!hasSystemd) process.stderr.write("unit files not judged: there is no systemd-analyze on this machine\n");

test.skipIf(!hasSystemd)("systemd takes the units of the operations page as they are", async () => {
  const found = await units();
  expect(found.length).toBe(2);
  for (const unit of found) {
    expect(unit).toContain(`ExecStart=${INSTALLED} `);
    expect(await mistakes(unit)).toBe("");
  }
  expect(await mistakes(found[0]?.replace("UMask", "UMas") ?? "")).toMatch(/Unknown key/);
});
