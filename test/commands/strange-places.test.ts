import { spawn } from "node:child_process";
import { chmod, mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { alsoOpenTo } from "../../src/runtime/file-access.ts";
import { eventually } from "../fakes/eventually.ts";
import { startRunnerProcess } from "../fakes/runner-process.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { command, GatewayProcess } from "./gateway-process.ts";

/* The program where its surroundings aren't what it was written at: users without a home, signals, variables of the runtime. */

const MAIN = join(import.meta.dirname, "../../src/main.ts");

interface Ended {
  readonly code: number | string;
  readonly output: string;
}

/** Runs a command as a user that no account belongs to, without HOME, until it has ended or said `until`. */
async function asNobody(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  until?: string,
): Promise<Ended> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    uid: 424_242,
    gid: 424_242,
    cwd: "/",
    env: { PATH: process.env["PATH"] ?? "", ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part: Uint8Array) => (output += String(part)));
  const ended = new Promise<Ended>((resolve) => {
    child.once("close", (code, signal) => resolve({ code: code ?? signal ?? "unknown", output }));
  });
  if (until === undefined) return ended;
  const said = eventually(() => expect(output).toContain(until), 20_000).then(() => ({ code: "running", output }));
  return Promise.race([ended, said]);
}

/** Root can become anybody; that one must be able to read the program. */
const isRoot = process.getuid?.() === 0;
const canBeAnybody =
  isRoot && (await alsoOpenTo(MAIN)) === "everybody" && (await alsoOpenTo(process.execPath)) === "everybody";

describe.skipIf(!canBeAnybody)(
  "for a user without an account and without HOME (needs root, and a checkout that others may read)",
  () => {
    test("every command works when it is told where data lies", async () => {
      const directory = await temporaryDirectory();
      await chmod(directory, 0o755);
      const place = join(directory, "open");
      await mkdir(place);
      await chmod(place, 0o777);
      const runner = {
        DATA_DIRECTORY: join(place, "runner"),
        SERVER_URL: "ws://127.0.0.1:1",
        AUTH_TOKEN: "t0ken",
        INGESTION_COMMAND: '["true"]',
        METRICS_SERVER_PORT: "off",
      };
      expect(await asNobody(["run"], runner, "nothing listens there")).toMatchObject({ code: "running" });
      expect(await asNobody(["logs"], runner)).toMatchObject({ code: 0, output: expect.stringContaining("no runs") });
      expect(await asNobody(["config", "show"], runner)).toMatchObject({ code: 0 });
      expect(await asNobody(["version"], {})).toMatchObject({ code: 0 });
      expect(await asNobody(["rbac", "ingestion"], {})).toMatchObject({ code: 0 });
      expect(await asNobody(["exec", "--", "sh", "-c", "echo done"], {})).toEqual({ code: 0, output: "done\n" });
      const gateway = { HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY: join(place, "gateway") };
      expect(await asNobody(["gateway", "--port", "0"], gateway, "The gateway listens")).toMatchObject({
        code: "running",
      });
      const cluster = await asNobody(["run"], { ...runner, EXECUTOR_TYPE: "simpleK8s", INGESTION_IMAGE: "a/b:1" });
      expect(cluster.output).toContain(
        "Cannot find a Kubernetes cluster: KUBECONFIG is not set, there is no home directory",
      );
    }, 120_000);

    test("the variable that is missing is told, and no stack", async () => {
      const settings = { SERVER_URL: "ws://127.0.0.1:1", AUTH_TOKEN: "t0ken", INGESTION_COMMAND: '["true"]' };
      for (const [args, variable] of [
        [["run"], "DATA_DIRECTORY"],
        [["logs"], "DATA_DIRECTORY"],
        [["gateway"], "HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY"],
      ] as const) {
        const { code, output } = await asNobody(args, settings);
        expect([args, code]).toEqual([args, 2]);
        expect(output).toContain(`${variable} is missing, and this user has no home directory`);
        expect(output).not.toMatch(/^\s+at /m);
      }
    });
  },
);

test("SIGUSR1 opens no debugger, in runner and gateway, and ends neither", async () => {
  const runner = await startRunnerProcess({ SERVER_URL: "ws://127.0.0.1:1" });
  await runner.says("nothing listens there");
  const gateway = await GatewayProcess.start(await temporaryDirectory());
  for (const pid of [runner.pid, gateway.child.pid ?? 0]) process.kill(pid, "SIGUSR1");
  await fetch(`${gateway.url}/healthz`);
  // A signal that is answered, sent after the other: by then that one was seen.
  process.kill(runner.pid, "SIGTERM");
  expect(await runner.exited).toBe(0);
  expect(await gateway.end("SIGTERM")).toBe(0);
  for (const output of [runner.output(), gateway.output]) expect(output).not.toMatch(/debugger|inspector/i);
});

test("a core dump holds no memory of the runner and of what it starts", async (context) => {
  if (process.platform !== "linux") return context.skip("needs Linux");
  const runner = await startRunnerProcess({ SERVER_URL: "ws://127.0.0.1:1" });
  await runner.says("nothing listens there");
  expect(await readFile(`/proc/${runner.pid}/coredump_filter`, "utf8")).toMatch(/^0+\n$/);
  const { stdout } = await command(["exec", "--", "cat", "/proc/self/coredump_filter"]);
  expect(stdout).toMatch(/^0+\n$/);
});

test("NODE_DEBUG, by which the runtime would print tokens, is refused", async () => {
  const { code, stderr } = await command(["version"], { NODE_DEBUG: "http" });
  expect([code, stderr]).toEqual([2, expect.stringContaining("Cannot start with NODE_DEBUG in the environment")]);
});

describe("a start that fails", () => {
  const wrong = { LOG_FORMAT: "json", MAX_CONCURRENT_RUNS: "many" };

  test.each<[string, readonly string[], Record<string, string>, string]>([
    ["settings that are wrong", ["run"], wrong, "ConfigInvalid"],
    ["a flag that is unknown", ["run", "--log-format=json", "--no-such-flag"], {}, "UsageError"],
    ["a file that is missing", ["run", "--log-format", "json", "--config", "/nonexistent.yaml"], {}, "ConfigInvalid"],
    [
      "a data directory that can't be made",
      ["run"],
      {
        ...{ AGENT_ID: "a", LOG_FORMAT: "JSON", SERVER_URL: "x", AUTH_TOKEN: "t", INGESTION_COMMAND: '["true"]' },
        DATA_DIRECTORY: "/dev/null/x",
      },
      "DataDirectoryUnwritable",
    ],
    ["the gateway's flag", ["gateway", "--json", "--port", "many"], {}, "ConfigInvalid"],
    ["the gateway's variable", ["gateway", "--port=x"], { HYBRID_RUNNER_GATEWAY_LOG_FORMAT: "json" }, "ConfigInvalid"],
  ])("is one line of JSON where JSON is asked for: %s", async (_what, args, environment, code) => {
    const { stderr } = await command(args, environment);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect(JSON.parse(stderr)).toMatchObject({
      level: "error",
      code,
      message: expect.stringMatching(/^Cannot /),
      next: expect.any(String),
    });
  });

  test("is one line of JSON where the file asks for it", async () => {
    const file = join(await temporaryDirectory(), "runner.yaml");
    await writeFile(file, "logFormat: json\nkeepRuns: many\n");
    const { code, stderr } = await command(["run", "--config", file]);
    expect([code, JSON.parse(stderr)]).toMatchObject([2, { code: "ConfigInvalid" }]);
  });

  test("is told in lines for people otherwise, and by other commands always", async () => {
    expect((await command(["run"], { MAX_CONCURRENT_RUNS: "many" })).stderr).toMatch(/^ConfigInvalid: /);
    expect((await command(["logs", "a", "b"], { LOG_FORMAT: "json" })).stderr).toMatch(/^UsageError: /);
  });
});

describe("logs", () => {
  test("of a data directory that isn't there, or that was said wrongly, are an error", async () => {
    const missing = await command(["logs", "--data-directory", "/nonexistent"]);
    expect([missing.code, missing.stderr]).toEqual([
      2,
      expect.stringContaining("there is no directory /nonexistent (flag --data-directory)"),
    ]);
    const wrong = await command(["logs"], { DATA_DIRECTORY: "~/x" });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining("DATA_DIRECTORY must be a whole path")]);
    expect(wrong.stderr).not.toContain("SERVER_URL");
  });

  test("of a directory that is no runner's are told as that", async () => {
    const directory = await temporaryDirectory();
    const { code, stderr } = await command(["logs", "--data-directory", directory]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("nothing there looks like the data directory")]);
    await mkdir(join(directory, "runs"));
    expect((await command(["logs", "--data-directory", directory])).code).toBe(0);
  });

  test.skipIf(!canBeAnybody)(
    "of a directory of another user are told as that (needs root, and a checkout that others may read)",
    async () => {
      const directory = await temporaryDirectory();
      await chmod(directory, 0o755);
      const closed = join(directory, "closed");
      await mkdir(join(closed, "runs"), { recursive: true });
      await chmod(closed, 0o700);
      for (const place of [closed, join(closed, "runs")]) {
        const { code, output } = await asNobody(["logs", "--data-directory", place], {});
        expect([code, output]).toEqual([
          1,
          expect.stringContaining(`RunLogsClosed: Cannot show logs: ${place} is closed`),
        ]);
        expect(output.match(/EACCES/g)).toHaveLength(1);
      }
    },
  );
});

test.each([
  ["Bad NS", [], "NAMESPACE must be the name of a namespace"],
  ["a".repeat(64), [], "NAMESPACE must be"],
  ["good", ["--service-account", "Bad_Name"], "--service-account must be the name of an object"],
  ["good", ["--runner-namespace", "a/b"], "--runner-namespace must be the name of a namespace"],
  ["good", ["--ingestion-service-account", "x y"], "--ingestion-service-account must be"],
  ["good", ["--user", "a\nb: c"], "--user must be the name of a user"],
])("rbac %s %j prints no Role that no cluster takes", async (namespace, flags, told) => {
  const { code, stdout, stderr } = await command(["rbac", namespace, ...flags]);
  expect([code, stdout, stderr]).toEqual([2, "", expect.stringContaining(told)]);
});

describe.skipIf(process.platform !== "linux")("where nothing can be made (needs Linux's /proc and /dev/full)", () => {
  const runner = { SERVER_URL: "ws://127.0.0.1:1", AUTH_TOKEN: "t0ken", INGESTION_COMMAND: '["true"]' };
  const gateway = ["gateway", "--port", "0"];

  test("every program ends with the system's own error and what to do", async () => {
    const directory = await temporaryDirectory();
    await symlink(join(directory, "nowhere", "deep"), join(directory, "link"));
    const frames = [...gateway, "--data-directory", join(directory, "g"), "--capture-frames"];
    for (const [args, environment, code] of [
      [["run"], { ...runner, DATA_DIRECTORY: "/proc/x" }, "DataDirectoryUnwritable"],
      [["run"], { ...runner, DATA_DIRECTORY: join(directory, "link", "x") }, "DataDirectoryUnwritable"],
      [[...gateway, "--data-directory", "/proc/x"], {}, "GatewayDirectoryUnusable"],
      [[...frames, "/proc/x/f"], {}, "FrameCaptureUnusable"],
      [[...frames, join(directory, "link", "x", "f")], {}, "FrameCaptureUnusable"],
      [["demo", "--directory", "/proc/x"], {}, "DemoDirectoryUnusable"],
    ] as const) {
      const { code: exit, stdout, stderr } = await command(args, environment);
      const told = stdout + stderr;
      expect([args, exit, told]).toEqual([args, 1, expect.stringContaining(`${code}: `)]);
      expect(told).toContain("ENOENT");
      expect(told).toContain("leads nowhere");
      expect(told).not.toMatch(/^\s+at /m);
    }
  }, 120_000);

  test("a working directory that was removed is told as that", async () => {
    const gone = join(await temporaryDirectory(), "gone");
    await mkdir(gone);
    const line = 'cd "$1" && rmdir "$1" && exec "$2" "$3" logs --data-directory ./data 2>&1';
    const { code, output } = await inShell(line, gone, process.execPath, MAIN);
    expect([code, output]).toEqual([1, expect.stringContaining("WorkingDirectoryGone: Cannot find ./data")]);
    expect(output).not.toMatch(/^\s+at /m);
  });

  test("output that nobody takes is a failure", async () => {
    const data = await temporaryDirectory();
    await mkdir(join(data, "runs"));
    for (const args of [["version"], ["--help"], ["logs", "--data-directory", data]]) {
      const { code, output } = await inShell('exec "$@" 2>&1 >/dev/full', process.execPath, MAIN, ...args);
      expect([args, code, output]).toEqual([
        args,
        1,
        expect.stringContaining("OutputRefused: Cannot write the output"),
      ]);
      expect(output).not.toMatch(/^\s+at /m);
    }
  });
});

function inShell(line: string, ...words: readonly string[]): Promise<Ended> {
  const child = spawn("sh", ["-c", line, "sh", ...words], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout?.on("data", (part: Uint8Array) => (output += String(part)));
  return new Promise((resolve) => {
    child.once("close", (code, signal) => resolve({ code: code ?? signal ?? "unknown", output }));
  });
}
