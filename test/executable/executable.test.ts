import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/commands/catalogue.ts";
import { flagGroups } from "../../src/commands/command.ts";
import { helpOf } from "../../src/commands/help.ts";
import { BUILD_LIMIT_MS, builtExecutable } from "./built-executable.ts";
import { type Ended, runProgram } from "./run-program.ts";

/* The one file that is shipped, as a customer starts it: nothing beside it, nothing in the environment. */

let executable: string;
let empty: string;

beforeAll(async () => {
  executable = await builtExecutable();
}, BUILD_LIMIT_MS + 10_000);

beforeEach(async () => {
  empty = await mkdtemp(join(tmpdir(), "executable-"));
});

afterEach(() => rm(empty, { recursive: true, force: true }));

function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return runProgram([executable, ...args], { cwd: empty, env, limitMs: 120_000 });
}

describe("executable", () => {
  test("tells its version in an empty folder with an empty environment, and leaves nothing behind", async () => {
    const { code, stdout, stderr } = await run(["version", "--json"]);
    expect({ code, facts: JSON.parse(stdout) }).toMatchObject({ code: 0, facts: { singleExecutable: true } });
    // Node warns here when it can't use the code cache (flags of build and run differ) or finds a feature experimental.
    expect(stderr).toBe("");
    expect(await readdir(empty)).toEqual([]);
  });

  test("takes no options of Node from the environment or the command line", async () => {
    const { code, stderr } = await run(["version"], { NODE_OPTIONS: "--no-such-option" });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  });

  test.each(Object.entries(COMMANDS))("explains %s, by flag and by help", async (name, entry) => {
    const told = await helpOf({ name, entry });
    expect(await run([...name.split(" "), "--help"])).toMatchObject({ code: 0, stdout: told });
    expect(await run(["help", ...name.split(" ")])).toMatchObject({ code: 0, stdout: told });
  });

  test("completes every flag of every command", async () => {
    const { code, stdout } = await run(["completion", "bash"]);
    expect(code).toBe(0);
    for (const [name, { internal, load }] of Object.entries(COMMANDS)) {
      if (internal === true) continue;
      const groups = await flagGroups(await load());
      for (const flag of groups.flatMap(({ flags }) => Object.keys(flags))) {
        expect(stdout).toMatch(new RegExp(`"${name} "\\*\\) offered="[^"]*--${flag} `));
      }
    }
  });

  test("prints wrong usage as two lines, without a stack", async () => {
    const { code, stdout, stderr } = await run(["no-such-command"]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^\w+: Cannot run "no-such-command": .+\n {2}next: .+\n$/);
  });

  test("plays the whole demo in an empty folder, with an empty environment and no node on the PATH", async () => {
    const { code, stdout, stderr } = await run(["demo", "--once", "--json"]);
    expect(code, stderr).toBe(0);
    const verdict = JSON.parse(stdout) as { ok: boolean; checks: { name: string; ok: boolean }[] };
    expect(verdict.ok).toBe(true);
    expect(verdict.checks.length).toBeGreaterThan(0);
    expect(verdict.checks.filter(({ ok }) => !ok)).toEqual([]);
  });
});
