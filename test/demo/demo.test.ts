import { spawn } from "node:child_process";
import { mkdir, readdir, readFile, readlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { createNarrator } from "../../src/demo/narrator.ts";
import type { DemoVerdict } from "../../src/demo/story/demo-verdict.ts";
import { playDemo } from "../../src/demo/story/play.ts";
import { type Workspace, writeSecret } from "../../src/demo/story/workspace.ts";
import { MASK } from "../../src/demo/verdict.ts";
import { selfCommand } from "../../src/runtime/system.ts";
import { MASK as REDACTOR_MASK } from "../../src/secrets/redactor.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const LIMIT_MS = 120_000;

/** An empty folder to stand in, and a temporary directory that only this test uses. */
let place: { readonly cwd: string; readonly temporary: string };

beforeEach(async () => {
  const root = await temporaryDirectory();
  place = { cwd: join(root, "empty"), temporary: join(root, "tmp") };
  await mkdir(place.cwd);
  await mkdir(place.temporary);
});

interface RunningDemo {
  readonly pid: number;
  readonly stdout: () => string;
  readonly stderr: () => string;
  readonly ended: Promise<number | null>;
}

/** Starts the demo with nothing in its environment but where temporary files go. */
function startDemo(runtime: readonly string[], args: readonly string[]): RunningDemo {
  const [file = "", ...rest] = runtime;
  const child = spawn(file, [...rest, MAIN, "demo", ...args], { cwd: place.cwd, env: { TMPDIR: place.temporary } });
  onTestFinished(() => void child.kill("SIGKILL"));
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { pid: child.pid ?? 0, stdout: () => stdout, stderr: () => stderr, ended };
}

/** Command lines of the processes that name this test's directory, in their arguments, environment or working directory. */
async function processesLeft(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    const read = (file: string): Promise<string> => readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");
    const about = [await read("cmdline"), await read("environ"), await readlink(`/proc/${pid}/cwd`).catch(() => "")];
    if (about.some((text) => text.includes(place.temporary))) found.push(about[0] ?? "");
  }
  return found;
}

async function expectNothingLeft(): Promise<void> {
  await eventually(async () => expect(await processesLeft()).toEqual([]));
  expect(await readdir(place.temporary)).toEqual([]);
  expect(await readdir(place.cwd)).toEqual([]);
}

const NODE = [process.execPath];
const DENO = [join(dirname(createRequire(import.meta.url).resolve("deno/package.json")), "bin.cjs"), "run", "-A"];

describe("demo --once --json", () => {
  test.each([
    ["node", NODE],
    ["deno", [process.execPath, ...DENO]],
  ])(
    "holds under %s with an empty environment, and leaves nothing behind",
    async (_name, runtime) => {
      const demo = startDemo(runtime, ["--once", "--json"]);
      const code = await demo.ended;
      expect(demo.stdout(), demo.stderr()).not.toBe("");
      const verdict = JSON.parse(demo.stdout());
      expect(verdict.checks.filter((check: { ok: boolean }) => !check.ok)).toEqual([]);
      expect(verdict).toMatchObject({ ok: true, run: { state: "success", exitCode: 0 }, metadata: { schema: "main" } });
      expect(verdict.checks).toHaveLength(6);
      expect(verdict.scanned.hits).toEqual([]);
      expect(verdict.scanned.files).toBeGreaterThan(8);
      expect(code).toBe(0);
      expect(demo.stderr()).toContain(`Connecting to ${MASK}`);
      await expectNothingLeft();
    },
    LIMIT_MS,
  );
});

describe("demo that stays up", () => {
  test(
    "ends cleanly at SIGINT, and keeps nothing",
    async () => {
      const demo = startDemo(NODE, []);
      await eventually(() => expect(demo.stdout()).toContain("Ctrl-C stops all."), LIMIT_MS);
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(demo.stdout()) ?? [""];
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      expect((await fetch(`${url}/api/v1/runs`)).status).toBe(401);
      process.kill(demo.pid, "SIGINT");
      expect(await demo.ended).toBe(0);
      await expect(fetch(`${url}/healthz`)).rejects.toThrow();
      await expectNothingLeft();
    },
    LIMIT_MS,
  );

  test(
    "says so when the gateway dies, and where its log is",
    async () => {
      const demo = startDemo(NODE, []);
      await eventually(() => expect(demo.stdout()).toContain("Ctrl-C stops all."), LIMIT_MS);
      const [, pid] = /the gateway listens .*\(process (\d+)\)/.exec(demo.stdout()) ?? [];
      process.kill(Number(pid), "SIGKILL");
      expect(await demo.ended).toBe(1);
      expect(demo.stdout()).toContain("gateway ended by itself with signal SIGKILL");
      expect(demo.stdout()).toMatch(/Everything was left in .*hybrid-runner-demo-/);
      await eventually(async () => expect(await processesLeft()).toEqual([]));
    },
    LIMIT_MS,
  );
});

test(
  "demo that is interrupted during its run stops the run too",
  async () => {
    const demo = startDemo(NODE, ["--once"]);
    await eventually(() => expect(demo.stdout()).toContain("[2/8]"), LIMIT_MS);
    process.kill(demo.pid, "SIGTERM");
    expect(await demo.ended).toBe(1);
    expect(demo.stdout()).toContain("✗ interrupted");
    await expectNothingLeft();
  },
  LIMIT_MS,
);

/** Plays the demo in this process, with another way of placing the secret. */
async function playWith(placeSecret: (workspace: Workspace) => Promise<void>): Promise<{
  verdict: DemoVerdict;
  told: string;
  directory: string;
}> {
  const directory = join(place.temporary, "kept");
  let told = "";
  const write = async (text: string): Promise<void> => {
    told += text;
  };
  const verdict = await playDemo({
    once: true,
    json: false,
    keep: false,
    directory,
    self: selfCommand(),
    clock: systemClock,
    signal: new AbortController().signal,
    narrator: createNarrator({ colours: false, write }),
    warn: (line) => void write(line),
    placeSecret,
  });
  await eventually(async () => expect(await processesLeft()).toEqual([]));
  return { verdict, told, directory };
}

test(
  "demo without its secret ends with a run that failed with SecretUnresolved",
  async () => {
    const { verdict, told, directory } = await playWith(async () => undefined);
    expect(verdict.run, told).toMatchObject({ state: "failed", failure: { category: "SecretUnresolved" } });
    expect(verdict.ok).toBe(false);
    expect(verdict.metadata).toBeUndefined();
    expect(JSON.stringify(verdict.run)).toContain("secret:/demo/shop/connection");
    expect(told).toContain("✗ run is success: failed");
    expect(await readdir(directory)).toContain("logs");
  },
  LIMIT_MS,
);

test(
  "demo fails for a value that lies on the gateway's side, and for nothing else",
  async () => {
    const { verdict, told } = await playWith(async (workspace) => {
      await writeSecret(workspace);
      await writeFile(join(workspace.gatewayData, "leak"), `x${btoa(`yz${workspace.secret.value}`)}`);
    });
    const failed = verdict.checks.filter((check) => !check.ok);
    const names = failed.map((check) => check.name);
    expect(names, told).toEqual(["secret's value is nowhere"]);
    expect(failed[0]?.detail).toContain("gateway/leak at byte");
    expect(verdict.ok).toBe(false);
  },
  LIMIT_MS,
);

test(
  "demo refuses a directory that holds something",
  async () => {
    const demo = startDemo(NODE, ["--once", "--directory", join(place.cwd, "..")]);
    expect(await demo.ended).toBe(1);
    expect(demo.stdout()).toContain("DemoDirectoryInUse");
  },
  LIMIT_MS,
);

test("mask that the verdict looks for is the redactor's", () => {
  expect(MASK).toBe(REDACTOR_MASK);
});
