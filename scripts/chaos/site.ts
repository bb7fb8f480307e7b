import { type ChildProcess, execFile, spawn } from "node:child_process";
import { closeSync, openSync } from "node:fs";
import { mkdir, mkdtemp, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ChaosOptions } from "./options.ts";
import { kill, processesOf } from "./processes.ts";
import { SCRIPT, SECRET } from "./programs.ts";
import { LineProxy } from "./proxy.ts";

const RUNNER_ID = "chaos-runner";
/** Run directories that the runner keeps; small, so that retention has something to do. */
export const KEEP_RUNS = 25;

/** A gateway and a runner as processes, with a line between them that can be cut. */
export class ChaosSite {
  readonly directory: string;
  readonly #options: ChaosOptions;
  readonly #gatewayPort: number;
  readonly proxy: LineProxy;
  #gateway: ChildProcess | undefined;
  #runner: ChildProcess | undefined;
  #adminToken = "";

  private constructor(options: ChaosOptions, directory: string, gatewayPort: number, proxy: LineProxy) {
    this.#options = options;
    this.directory = directory;
    this.#gatewayPort = gatewayPort;
    this.proxy = proxy;
  }

  /** Starts gateway and runner in a new directory. */
  static async open(options: ChaosOptions): Promise<ChaosSite> {
    const directory = await mkdtemp(join(tmpdir(), "hybrid-runner-chaos-"));
    const port = await freePort();
    const site = new ChaosSite(options, directory, port, await LineProxy.start(port));
    await mkdir(join(directory, "secrets"));
    await writeFile(join(directory, "secrets", "password"), SECRET);
    await writeFile(join(directory, "program.sh"), SCRIPT, { mode: 0o755 });
    await site.startGateway();
    await writeFile(join(directory, "runner.token"), await site.#token(), { mode: 0o600 });
    site.startRunner();
    return site;
  }

  get runsDirectory(): string {
    return join(this.directory, "runner", "runs");
  }

  get ledger(): string {
    return join(this.directory, "ledger");
  }

  get gate(): string {
    return join(this.directory, "gate");
  }

  async startGateway(): Promise<void> {
    const data = join(this.directory, "gateway");
    const role = ["gateway", "--port", String(this.#gatewayPort), "--data-directory", data];
    this.#gateway = this.#start("gateway", [...role, "--queue-timeout-seconds", "36000"], {});
    const limit = performance.now() + 30_000;
    while (!(await this.#healthy())) {
      if (performance.now() > limit) throw new Error(`the gateway does not come up; see ${data}.log`);
      await wait(50);
    }
    this.#adminToken = (await readFile(join(data, "admin-token"), "utf8")).trim();
  }

  startRunner(): void {
    this.#runner = this.#start("runner", ["run"], {
      AGENT_ID: RUNNER_ID,
      AUTH_TOKEN_FILE: join(this.directory, "runner.token"),
      SERVER_URL: `ws://127.0.0.1:${this.proxy.port}`,
      DATA_DIRECTORY: join(this.directory, "runner"),
      SECRETS_MANAGER: "file",
      SECRETS_DIRECTORY: join(this.directory, "secrets"),
      INGESTION_COMMAND: JSON.stringify(["/bin/sh", join(this.directory, "program.sh"), "{config}"]),
      INGESTION_EXTRA_ENVS: JSON.stringify({
        LEDGER: this.ledger,
        GATE: this.gate,
        FLOOD_MEGABYTES: String(this.#options.largeOutputMegabytes),
      }),
      MAX_CONCURRENT_RUNS: String(this.#options.concurrency),
      STOP_GRACE_SECONDS: "1",
      METRICS_SERVER_PORT: "off",
      KEEP_RUNS: String(KEEP_RUNS),
    });
  }

  killGateway(): Promise<void> {
    return end(this.#gateway);
  }

  killRunner(): Promise<void> {
    return end(this.#runner);
  }

  /** Sends a signal to the runner without waiting for anything. */
  signalRunner(signal: NodeJS.Signals): void {
    this.#runner?.kill(signal);
  }

  /** Calls the gateway's API. @throws Error on any status from 400 on and when the gateway is not there */
  async api<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#gatewayPort}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#adminToken}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** Registers and deploys a pipeline of this type; answers its id. */
  async deploy(pipelineType: string, name: string): Promise<string> {
    const { serviceId } = await this.api<{ serviceId: string }>("POST", "/services", {
      name,
      serviceType: "Sqlite",
      connection: { config: { password: "secret:/password" } },
      runnerId: RUNNER_ID,
    });
    const pipeline = { name, serviceId, pipelineType, sourceConfig: {} };
    const { pipelineId } = await this.api<{ pipelineId: string }>("POST", "/pipelines", pipeline);
    await this.api("POST", `/pipelines/${pipelineId}/deploy`);
    return pipelineId;
  }

  /** Ends everything that was started here, and what that has started. */
  async close(): Promise<void> {
    await this.killRunner();
    await this.killGateway();
    for (const { pid } of await processesOf(this.directory)) kill(pid);
    await this.proxy.stop();
  }

  async #healthy(): Promise<boolean> {
    const url = `http://127.0.0.1:${this.#gatewayPort}/healthz`;
    return fetch(url, { signal: AbortSignal.timeout(2000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async #token(): Promise<string> {
    const [program = "", ...args] = this.#options.program;
    const create = ["gateway", "token", "create", "--data-directory", join(this.directory, "gateway")];
    const { stdout } = await promisify(execFile)(program, [...args, ...create, "--runner", RUNNER_ID, "--json"], {
      env: EMPTY_ENVIRONMENT,
    });
    return (JSON.parse(stdout) as { token: string }).token;
  }

  #start(name: string, role: readonly string[], variables: Readonly<Record<string, string>>): ChildProcess {
    const [program = "", ...args] = this.#options.program;
    const log = openSync(join(this.directory, `${name}.log`), "a");
    const env = { ...EMPTY_ENVIRONMENT, ...variables };
    const child = spawn(program, [...args, ...role], { env, stdio: ["ignore", log, log] });
    closeSync(log);
    return child;
  }
}

const EMPTY_ENVIRONMENT = { PATH: "/usr/bin:/bin", HOME: "/nonexistent" };

/** Waits so many milliseconds. */
export function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function end(child: ChildProcess | undefined): Promise<void> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

/** A port that was free a moment ago; a restarted gateway has to come back at the same one. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port is free");
  return address.port;
}
