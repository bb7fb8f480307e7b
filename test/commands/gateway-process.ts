import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { eventually } from "../fakes/eventually.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** The environment of a child: nothing of the test's own but where programs and files are found. */
const environment = { PATH: process.env["PATH"] ?? "", HOME: "/nonexistent" };

/** What a finished command has left behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program to its end. */
export function command(args: readonly string[], variables: Readonly<Record<string, string>> = {}): Promise<Finished> {
  return new Promise((resolve) => {
    const env = { ...environment, ...variables };
    execFile(process.execPath, [MAIN, ...args], { env, timeout: 20_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** A gateway as a process of its own. */
export class GatewayProcess {
  readonly child: ChildProcess;
  readonly directory: string;
  readonly url: string;
  readonly exited: Promise<number | string>;
  readonly #output: () => string;

  private constructor(
    child: ChildProcess,
    directory: string,
    url: string,
    exited: Promise<number | string>,
    output: () => string,
  ) {
    this.child = child;
    this.directory = directory;
    this.url = url;
    this.exited = exited;
    this.#output = output;
  }

  static async start(directory: string, flags: readonly string[] = ["--port", "0", "--json"]): Promise<GatewayProcess> {
    const child = spawn(process.execPath, [MAIN, "gateway", "--data-directory", directory, ...flags], {
      env: environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (part: Buffer) => (output += part.toString()));
    const exited = new Promise<number | string>((resolve) => {
      child.once("exit", (code, signal) => resolve(code ?? signal ?? "unknown"));
    });
    const url = await eventually(() => {
      const found = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (found === undefined) throw new Error(`the gateway has not said where it listens:\n${output}`);
      return found;
    });
    return new GatewayProcess(child, directory, url, exited, () => output);
  }

  get output(): string {
    return this.#output();
  }

  async ask<T>(method: string, path: string, body?: object): Promise<T> {
    const token = (await readFile(join(this.directory, "admin-token"), "utf8")).trim();
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  async end(signal: NodeJS.Signals): Promise<number | string> {
    this.child.kill(signal);
    return this.exited;
  }
}
