import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const LIMIT_MS = 30_000;

/** The real gateway as a process that can be ended and started again at the same address. */
export class GatewayProcess {
  readonly #directory: string;
  #port = 0;
  #child: ChildProcess | undefined;

  constructor(directory: string) {
    this.#directory = directory;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.#port}`;
  }

  /** Resolves when it answers; the answer is `performance.now()` of just before the first answer. */
  async start(): Promise<number> {
    if (this.#port === 0) this.#port = await freePort();
    const args = [MAIN, "gateway", "--port", String(this.#port), "--data-directory", this.#directory];
    this.#child = spawn(process.execPath, [...args, "--log-level", "error"], {
      stdio: ["ignore", "ignore", "inherit"],
    });
    const end = performance.now() + LIMIT_MS;
    for (;;) {
      const now = performance.now();
      const answer = await fetch(`http://127.0.0.1:${this.#port}/healthz`).catch(() => undefined);
      if (answer?.ok === true) return now;
      if (now > end) throw new Error("the gateway doesn't answer");
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  /** A token that is good for every runner. */
  async token(): Promise<string> {
    const args = [MAIN, "gateway", "token", "create", "--runner", "*", "--data-directory", this.#directory, "--json"];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return (JSON.parse(stdout) as { token: string }).token;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("there is no free port");
  return address.port;
}
