import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMANDS } from "../../src/commands/catalogue.ts";
import { VERSION } from "../../src/version.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

function call(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env: {} }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

test("version prints the package's version", async () => {
  const { version } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8")) as {
    version: string;
  };
  expect(VERSION).toBe(version);
  expect((await call("version")).stdout).toContain(`hybrid-runner ${version} (`);
  expect(JSON.parse((await call("--version", "--json")).stdout)).toMatchObject({ version, protocolVersions: [2, 1] });
});

test("help lists every command that people use, also when nothing is asked", async () => {
  const { code, stdout } = await call("help");
  expect(code).toBe(0);
  for (const [name, command] of Object.entries(COMMANDS))
    expect([name, stdout.includes(command.summary)]).toEqual([name, command.internal !== true]);
  expect((await call()).stdout).toBe(stdout);
});

test.each(["dance", "constructor", "__proto__"])(
  "the unknown command %s is told with the next step and exits with 2",
  async (name) => {
    expect(await call(name)).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/UsageError: Cannot run .*\n {2}next: /),
    });
  },
);

test.each(Object.keys(COMMANDS).filter((name) => name !== "exec" && COMMANDS[name]?.internal !== true))(
  "%s refuses an unknown flag with exit code 2 and starts nothing",
  async (name) => {
    const { code, stderr } = await call(name, "--no-such-flag");
    expect([code, stderr]).toEqual([2, expect.stringContaining("no-such-flag")]);
  },
);
