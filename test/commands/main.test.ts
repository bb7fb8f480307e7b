import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { COMMANDS } from "../../src/commands/catalogue.ts";
import { flagGroups } from "../../src/commands/command.ts";
import { helpOf } from "../../src/commands/help.ts";
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
  expect((await call("--help")).stdout).toBe(stdout);
});

describe.each(Object.entries(COMMANDS))("the help of %s", (name, entry) => {
  test("is the same by --help, -h and help, whatever stands beside it, and starts nothing", async () => {
    const words = name.split(" ");
    const flag = await call(...words, "--help");
    expect([flag.code, flag.stderr]).toEqual([0, ""]);
    expect(await call(...words, "-h")).toEqual(flag);
    expect(await call("help", ...words)).toEqual(flag);
    expect(await call(...words, "--json", "/nowhere", "--help")).toEqual(flag);
  });

  test("names every flag with what it does, and an example", async () => {
    const help = await helpOf({ name, entry });
    expect(help).toContain(entry.summary);
    const flags = (await flagGroups(await entry.load())).flatMap((group) => Object.entries(group.flags));
    for (const [flag, { meaning }] of flags) {
      expect([flag, meaning === undefined]).toEqual([flag, false]);
      expect(help).toMatch(new RegExp(`^  --${flag}( [A-Z]+(,[A-Z]+)?)?\\n {6}`, "m"));
    }
    expect(entry.examples.length > 0 || entry.internal === true).toBe(true);
    for (const [line] of entry.examples) expect(help).toContain(`  ${line}\n`);
  });

  test("has examples whose flags exist", async () => {
    const flags = (await flagGroups(await entry.load())).flatMap((group) => Object.keys(group.flags));
    const used = entry.examples.flatMap(([line]) => [...line.matchAll(/ --([a-z-]+)/g)].map(([, flag]) => flag));
    expect(used.filter((flag) => flag !== undefined && !flags.includes(flag))).toEqual([]);
  });
});

test("help behind -- belongs to the program", async () => {
  const { code, stdout } = await call("exec", "--", process.execPath, "--help");
  expect(code).toBe(0);
  expect(stdout).toContain("--inspect");
});

test.each(["dance", "constructor", "__proto__", "gateway token dance", "gateway token", "config"])(
  "%s, which is no command, is told with the next step and exits with 2",
  async (line) => {
    expect(await call(...line.split(" "))).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringMatching(/UsageError: Cannot run .*\n {2}next: /),
    });
  },
);

test.each([
  ["lgos", "logs"],
  ["gatway", "gateway"],
  ["gateway token crate --runner a", "gateway token create"],
  ["config shwo", "config show"],
  ["rnu", "run"],
  ["help rnu", "run"],
  ["hlep", "help"],
  ["gateway tokn", "gateway token"],
  ["gateway token crate", "gateway token create"],
])("%s suggests %s", async (line, meant) => {
  expect((await call(...line.split(" "))).stderr).toContain(`hybrid-runner ${meant},`);
});

test.each(Object.keys(COMMANDS).filter((name) => name !== "demo-connector"))(
  "%s refuses an unknown flag with exit code 2 and starts nothing",
  async (name) => {
    const { code, stderr } = await call(...name.split(" "), "--no-such-flag");
    expect([code, stderr]).toEqual([2, expect.stringContaining("no-such-flag")]);
  },
);

test.each([
  ["run --runer x", "there is no flag --runer"],
  ["run -x", "there is no flag -x"],
  ["run -agent-id x", "there is no flag -agent-id\n  next: Write --agent-id"],
  ["run --agnet-id x", "there is no flag --agnet-id\n  next: Write --agent-id"],
  ["run --auth-tokn=hush", "there is no flag --auth-tokn\n  next: Write --auth-token"],
  ["run --stop-grace-seconds", "--stop-grace-seconds lacks its value"],
  ["run --auth-token --agent-id x", "--auth-token lacks its value"],
  [
    "run --auth-token -hush",
    "the value of --auth-token begins with a dash, as a flag does\n  next: Write --auth-token=VALUE",
  ],
  ["version --json=hush", "--json takes no value"],
  ["gateway --port 1 tokn", '"tokn" is no flag'],
])("%s is told in one sentence, and nothing of a value", async (line, told) => {
  const { code, stdout, stderr } = await call(...line.split(" "));
  expect([code, stdout]).toEqual([2, ""]);
  expect(stderr).toContain(`UsageError: Cannot read the command line: ${told}`);
  expect(stderr.trim().split("\n")).toEqual([
    expect.not.stringMatching(/: .*: .*: /),
    expect.stringMatching(/^ {2}next: /),
  ]);
  expect(stderr).not.toContain("hush");
});

test.each([
  ["--agent-id=x", "--agent-id"],
  ["-x", "-x"],
  ["- run", "-"],
  ["runn --agent-id x", "runn"],
  ["lgos 326378e5", "lgos"],
  ["gateway token dance now", "gateway token dance"],
])("of %s only %s is called no command", async (line, named) => {
  const { code, stderr } = await call(...line.split(" "));
  expect([code, stderr]).toEqual([2, expect.stringContaining(`Cannot run "${named}": `)]);
});

test.each(["run extra", "gateway start", "gateway token list all", "version now", "demo once"])(
  "the last word of %s is told as no flag and no command",
  async (line) => {
    const { code, stderr } = await call(...line.split(" "));
    const word = line.split(" ").at(-1);
    expect([code, stderr]).toEqual([2, expect.stringContaining(`: "${word}" is no flag and no command\n`)]);
  },
);

test.each(["-v", "-V"])("%s prints the version", async (flag) => {
  expect(await call(flag)).toEqual(await call("version"));
});

test.each(["gateway token", "config"])("the help of %s lists the commands that begin so", async (group) => {
  const words = group.split(" ");
  const flag = await call(...words, "--help");
  expect([flag.code, flag.stderr]).toEqual([0, ""]);
  expect(await call("help", ...words)).toEqual(flag);
  const below = Object.entries(COMMANDS).filter(([name]) => name.startsWith(`${group} `));
  for (const [name, { summary }] of below) expect(flag.stdout).toMatch(new RegExp(`^  ${name} +${summary}$`, "m"));
});

test("logs of an empty name is wrong usage", async () => {
  expect(await call("logs", "")).toMatchObject({ code: 2, stderr: expect.stringContaining("the run's id is empty") });
});

test("a configuration file that isn't there points to the page of the program that reads it", async () => {
  const [runner, gateway] = [
    await call("run", "--config", "nope.yaml"),
    await call("gateway", "--config", "nope.yaml"),
  ];
  expect(gateway.stderr).toContain("docs/gateway-configuration.md");
  expect(runner.stderr).toContain("docs/configuration.md");
});

describe("completion", () => {
  const complete = async (...words: string[]): Promise<readonly string[]> => {
    const { stdout } = await call("completion", "bash");
    const script = `${stdout}\nCOMP_WORDS=(hybrid-runner "$@"); COMP_CWORD=$#; _hybrid_runner; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout: offered } = await promisify(execFile)("bash", ["-c", script, "bash", ...words]);
    return offered.split("\n").filter((word) => word !== "");
  };

  test("offers the commands, their words and their flags in a real bash", async () => {
    expect(await complete("")).toEqual(expect.arrayContaining(["run", "gateway", "config", "help"]));
    expect(await complete("gateway", "tok")).toEqual(["token"]);
    expect(await complete("gateway", "token", "")).toEqual(["create", "list", "revoke", "--help"]);
    expect(await complete("gateway", "token", "create", "--ex")).toEqual(["--expires-in"]);
    expect(await complete("run", "--agent")).toEqual(["--agent-id"]);
    expect(await complete("completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  });

  test("has all of it for every shell, and refuses others", async () => {
    for (const shell of ["bash", "zsh", "fish"]) {
      const { stdout } = await call("completion", shell);
      for (const word of ["expires-in", "agent-id", "create", "secrets-provider"]) expect(stdout).toContain(word);
    }
    expect((await call("completion", "tcsh")).code).toBe(2);
  });
});
