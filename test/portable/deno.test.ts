import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Ended, runProgram } from "../executable/run-program.ts";

/* The same sources, unbuilt, under the other runtime. */

const root = join(import.meta.dirname, "..", "..");
/** npm's starter of Deno; it needs a node on the PATH unless Deno's install script has put the real one in place. */
const deno = join(root, "node_modules", ".bin", "deno");

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "deno-"));
});

afterEach(() => rm(home, { recursive: true, force: true }));

function run(args: readonly string[]): Promise<Ended> {
  const env = { HOME: home, TMPDIR: home, DENO_NO_UPDATE_CHECK: "1", PATH: join(root, "node_modules", ".bin") };
  const command = [deno, "run", "-A", "--no-remote", join(root, "src", "main.ts"), ...args];
  return runProgram(command, { cwd: home, env, limitMs: 120_000 });
}

describe("under Deno", () => {
  test("the program tells its version", async () => {
    const { code, stdout, stderr } = await run(["version", "--json"]);
    expect(code, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ singleExecutable: false, platform: expect.stringContaining("deno") });
  });

  test("the demo plays from beginning to end", async () => {
    const { code, stdout, stderr } = await run(["demo", "--once", "--json"]);
    expect(code, stderr).toBe(0);
    const verdict = JSON.parse(stdout) as { ok: boolean; checks: { name: string; ok: boolean }[] };
    expect(verdict.ok).toBe(true);
    expect(verdict.checks.length).toBeGreaterThan(0);
    expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
  });
});
