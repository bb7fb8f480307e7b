import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { BUILD_LIMIT_MS, builtExecutable } from "./built-executable.ts";

/* What the place where the executable runs can't make of it. */

let executable: string;

beforeAll(async () => {
  executable = await builtExecutable();
}, BUILD_LIMIT_MS + 10_000);

interface Started {
  readonly child: ChildProcess;
  output(): string;
  readonly exited: Promise<number | string>;
}

function start(args: readonly string[], env: Readonly<Record<string, string>>): Started {
  const child = spawn(executable, args, { env: { PATH: "/usr/bin:/bin", ...env }, stdio: ["ignore", "pipe", "pipe"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream?.on("data", (part: Uint8Array) => (output += String(part)));
  return {
    child,
    output: () => output,
    exited: new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"))),
  };
}

test("SIGUSR1 opens no debugger in runner, gateway and wrapper, and ends none of them", async () => {
  const directory = await temporaryDirectory();
  // An inspector that is asked for by the environment would tell its port as well.
  const NODE_OPTIONS = "--inspect=127.0.0.1:0";
  const runner = start(["run"], {
    NODE_OPTIONS,
    DATA_DIRECTORY: join(directory, "runner"),
    SERVER_URL: "ws://127.0.0.1:1",
    AUTH_TOKEN: "t0ken",
    INGESTION_COMMAND: '["true"]',
    METRICS_SERVER_PORT: "off",
  });
  const gateway = start(["gateway", "--port", "0", "--data-directory", join(directory, "gateway")], { NODE_OPTIONS });
  const wrapper = start(["exec", "--", "sh", "-c", "echo at work; exec sleep 60"], { NODE_OPTIONS });
  const all = [runner, gateway, wrapper];
  const ready = ["nothing listens there", "The gateway listens", "at work"];
  for (const [at, text] of ready.entries()) await eventually(() => expect(all[at]?.output()).toContain(text), 60_000);
  for (const { child } of all) child.kill("SIGUSR1");
  // Signals are told in the order of their numbers: who has answered this one has had the other.
  for (const { child } of all) child.kill("SIGTERM");
  expect(await Promise.all(all.map(({ exited }) => exited))).toEqual([0, 0, 143]);
  for (const { output } of all) expect(output()).not.toMatch(/debugger|inspector/i);
}, 90_000);

test("a proxy that the runtime wouldn't understand doesn't end it", async () => {
  const { exited, output } = start(["version"], { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: "127.0.0.1:3128" });
  expect([await exited, output()]).toEqual([0, expect.stringContaining("hybrid-runner")]);
}, 60_000);
