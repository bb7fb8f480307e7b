import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const main = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const deno = fileURLToPath(new URL("../../node_modules/.bin/deno", import.meta.url));
const TOKEN = "runner-token-eyJhbGciOi";

interface Started {
  readonly child: ChildProcess;
  readonly printed: { out: string; err: string };
  readonly ended: Promise<{ code: number | null; out: string; err: string }>;
}

/** Starts `hybrid-runner exec` with nothing in its environment but PATH, the runner's token and what is given. */
function start(args: readonly string[], variables: Record<string, string> = {}, runtime = [process.execPath]): Started {
  const [file = "", ...before] = runtime;
  const env = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", AUTH_TOKEN: TOKEN, ...variables };
  const child = spawn(file, [...before, main, "exec", ...args], { env, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    printed.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    printed.err += text;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.once("close", (code) => resolve({ code, ...printed }));
  });
  return { child, printed, ended };
}

const exec = (args: readonly string[], variables?: Record<string, string>): Started["ended"] =>
  start(args, variables).ended;

async function secretDirectory(secrets: Record<string, string>): Promise<string> {
  const root = await temporaryDirectory();
  for (const [name, value] of Object.entries(secrets)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), value);
  }
  return root;
}

describe("exec", () => {
  test("hands numbers over as they were written, from JSON and from YAML", async () => {
    const command = ["--", "sh", "-c", 'printf "%s" "$config"'];
    const json = '{"id":1234567890123456789,"tiny":1e-7,"list":[1.0,-0,1E5,1e400]}';
    const yaml = "id: 1234567890123456789\ntiny: 1e-7\nlist: [1.0, -0, 1E5, 1e400]\n";
    for (const config of [json, yaml]) {
      const { out } = await exec(command, { config });
      expect(out).toBe('{"id":1234567890123456789,"tiny":1.0e-7,"list":[1.0,-0,1.0e+5,1.0e+400]}');
    }
  });

  test("resolves config and variables from a directory, masks the output, passes on the exit code", async () => {
    const root = await secretDirectory({ "db/password": "pa55word-1\n", "db/user": "scott-tiger" });
    const script = 'echo "config=$config"; echo "PASSWORD=$PASSWORD" >&2; exit 5';
    const config = "connection:\n  username: secret:/db/user\n  password: secret:/db/password\n";
    const done = await exec(["--secrets-path", root, "--", "sh", "-c", script], {
      config,
      PASSWORD: "secret:/db/password",
    });
    expect(done.code).toBe(5);
    expect(done.out.split("\n").sort()).toEqual([
      "",
      "PASSWORD=[redacted]",
      'config={"connection":{"username":"[redacted]","password":"[redacted]"}}',
    ]);
    expect(done.err).toBe("");
  });

  test("takes the settings of the runner's variables", async () => {
    const root = await secretDirectory({ a: "file-value" });
    const file = join(root, "all.yaml");
    await writeFile(file, "a: yaml-value\n");
    const length = ["--", "sh", "-c", 'echo "$(printf %s "$A" | wc -c) $A"'];
    expect((await exec(length, { SECRETS_MANAGER: "file", SECRETS_DIRECTORY: root, A: "secret:a" })).out).toBe(
      "10 [redacted]\n",
    );
    expect((await exec(length, { SECRETS_FILE: file, A: "secret:a" })).out).toBe("10 [redacted]\n");
    expect((await exec(length, { HYBRID_RUNNER_SECRET_A: "four", A: "secret:/a" })).out).toBe("4 [redacted]\n");
    expect((await exec(length, { SECRETS_ENV_PREFIX: "MINE_", MINE_A: "five5", A: "secret:/a" })).out).toBe(
      "5 [redacted]\n",
    );
  });

  test("gives the program none of the runner's credentials and secrets", async () => {
    const done = await exec(["--", "env"], {
      AUTH_TOKEN_FILE: "/run/token",
      ARGO_TOKEN: TOKEN,
      HYBRID_RUNNER_SECRET_OTHER: "other-secret",
      HYBRID_RUNNER_ADMIN: "x",
      KEPT: "kept",
    });
    expect(done.out).toContain("KEPT=kept\n");
    expect(done.out).toContain("PYTHONUNBUFFERED=1\n");
    expect(done.out).not.toMatch(/AUTH_TOKEN|ARGO_TOKEN|HYBRID_RUNNER_(SECRET|ADMIN)|other-secret|runner-token/);
    expect(done.out).not.toMatch(/^config=/m);
  });

  test.each([
    ["an unresolved secret", ["--", "true"], { A: "secret:/missing" }, 70, "secret:/missing (not found)"],
    ["a broken configuration", ["--", "true"], { config: "a: [n33dle" }, 78, "ConfigUnreadable"],
    ["a configuration that is no mapping", ["--", "true"], { config: "[1]" }, 78, "not a mapping"],
    ["an unknown store", ["--secrets-provider", "vault", "--", "true"], {}, 78, "known are env, file"],
    ["a missing program", ["--", "/no/such/program"], {}, 127, "StartFailed"],
    ["no program", ["--"], {}, 2, "UsageError"],
    ["an unknown flag", ["--what", "--", "true"], {}, 2, "UsageError"],
    ["a file store without a path", ["--secrets-provider", "file", "--", "true"], {}, 2, "SECRETS_DIRECTORY"],
    ["a program killed by a signal", ["--", "sh", "-c", "kill -9 $$"], {}, 137, ""],
    ["a timeout", ["--timeout-seconds", "0.2", "--", "sleep", "60"], {}, 124, ""],
  ] as [string, string[], Record<string, string>, number, string][])(
    "%s has its own exit code",
    async (_what, args, variables, code, words) => {
      const done = await exec(args, variables);
      expect(done.err).toContain(words);
      expect(done.err).not.toContain("n33dle");
      expect(done.code).toBe(code);
    },
  );

  test("a program that may not be executed is 126", async () => {
    const path = join(await temporaryDirectory(), "program");
    await writeFile(path, "#!/bin/sh\n", { mode: 0o644 });
    expect((await exec(["--", path])).code).toBe(126);
  });

  test.each(["SIGTERM", "SIGINT"] as const)("%s stops the program and passes on how it ended", async (signal) => {
    const polite = start([
      "--",
      "sh",
      "-c",
      "trap 'echo cleaned; exit 9' TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    await eventually(() => expect(polite.printed.out).toContain("ready"));
    polite.child.kill(signal);
    expect(await polite.ended).toMatchObject({ code: 9, out: expect.stringContaining("cleaned\n") });
    const stubborn = start([
      "--stop-grace-seconds",
      "0.3",
      "--",
      "sh",
      "-c",
      "trap '' TERM; echo ready; while :; do sleep 0.05; done",
    ]);
    await eventually(() => expect(stubborn.printed.out).toContain("ready"));
    stubborn.child.kill(signal);
    expect((await stubborn.ended).code).toBe(137);
  });

  test("when the reader of its output leaves, the program is ended and no file is left", async () => {
    const before = await configFiles();
    const started = start(["--", "sh", "-c", "echo $$; while :; do echo line; sleep 0.02; done", "{config}"], {
      config: "{}",
    });
    await eventually(() => expect(started.printed.out).toContain("line"));
    const pid = Number(started.printed.out.split("\n")[0]);
    started.child.stdout?.destroy();
    expect((await started.ended).code).toBe(141);
    await eventually(async () => expect(await isRunning(pid)).toBe(false));
    expect((await configFiles()).filter((name) => !before.includes(name))).toEqual([]);
  });

  test("works under Deno", async () => {
    const root = await secretDirectory({ a: "pa55word-1" });
    const script = 'cat "$0"; echo " pa55"; printf pa55; sleep 0.4; echo word-1; exit 5';
    const denoRun = [deno, "run", "-A", "--quiet"];
    const done = await start(
      ["--secrets-path", root, "--", "sh", "-c", script, "{config}"],
      { config: '{"a":"secret:a"}' },
      denoRun,
    ).ended;
    expect(done).toEqual({ code: 5, out: '{"a":"[redacted]"} pa55\n[redacted]\n', err: "" });
    const stopped = start(["--", "sh", "-c", "echo ready; exec sleep 60"], {}, denoRun);
    await eventually(() => expect(stopped.printed.out).toContain("ready"));
    stopped.child.kill("SIGTERM");
    expect((await stopped.ended).code).toBe(143);
    expect((await start(["--", "/no/such/program"], {}, denoRun).ended).code).toBe(127);
  });
});

async function configFiles(): Promise<string[]> {
  return (await readdir("/dev/shm").catch((): string[] => [])).filter((name) => name.startsWith("hybrid-runner-"));
}

async function isRunning(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
  return status !== "" && !/\) [ZX] /.test(status);
}
