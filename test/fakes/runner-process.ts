import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { eventually } from "./eventually.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** A runner as a process of its own. */
export interface RunnerProcess {
  readonly pid: number;
  /** What it has written to standard error so far. */
  output(): string;
  /** Waits until it has written this. */
  says(text: string): Promise<void>;
  readonly exited: Promise<number | string>;
}

/** Starts a runner with these variables and nothing else of this process but what it takes to start; it ends with the test. */
export async function startRunnerProcess(
  variables: Readonly<Record<string, string>>,
  flags: readonly string[] = [],
): Promise<RunnerProcess> {
  const child = spawn(process.execPath, [MAIN, "run", ...flags], {
    env: {
      PATH: process.env["PATH"] ?? "",
      HOME: "/nonexistent",
      AUTH_TOKEN: "not.a.token",
      INGESTION_COMMAND: '["true"]',
      METRICS_SERVER_PORT: "off",
      DATA_DIRECTORY: join(await temporaryDirectory(), "data"),
      ...variables,
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stderr?.on("data", (chunk: Uint8Array) => {
    output += String(chunk);
  });
  return {
    pid: child.pid ?? 0,
    output: () => output,
    says: async (text) => void (await eventually(() => expect(output).toContain(text), 20_000)),
    exited: new Promise((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? "unknown"))),
  };
}
