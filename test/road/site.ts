import { type ChildProcess, execFile, spawn } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { onTestFinished } from "vitest";
import { parseExact } from "../../src/base/exact-json.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const run = promisify(execFile);

/** A run as the API shows it, as far as the tests read it. */
export interface RunView {
  readonly runId: string;
  readonly state: string;
  readonly dispatch: string;
  readonly exitCode?: number;
  readonly logBytes: number;
  readonly logEnd?: { readonly bytes: number; readonly sha256: string };
  readonly failure?: {
    readonly category: string;
    readonly summary: string;
    readonly detail?: string;
    readonly advice: string;
    readonly logTail: readonly string[];
  };
}

/** How a runner of the site is started. */
export interface RunnerOptions {
  readonly id?: string;
  /** Name of its data directory; two runners with different ones are different installations. */
  readonly place?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Instead of the gateway's own port, for a proxy in between. */
  readonly port?: number;
  /** Instead of 127.0.0.1. */
  readonly host?: string;
  /** Only `environment` and what it takes to dial, so that every other setting has its default. */
  readonly bare?: true;
  /** What its command begins with, for example to run it in a network of its own. */
  readonly through?: readonly string[];
}

/**
 * A gateway and runners as real processes on this machine, started from the sources, that tests can kill and start again.
 * Ingestion programs are shell scripts named by the pipeline type. Everything is ended when the test ends.
 */
export class Site {
  readonly directory: string;
  readonly port: number;
  readonly scripts: string;
  readonly secrets: string;
  /** The gateway's data directory. */
  gatewayData: string;
  /** Variables the gateway is started with. */
  gatewayEnvironment: Readonly<Record<string, string>> = {};
  readonly #children = new Set<ChildProcess>();
  #gateway: ChildProcess | undefined;

  private constructor(directory: string, port: number) {
    this.directory = directory;
    this.port = port;
    this.scripts = join(directory, "scripts");
    this.secrets = join(directory, "secrets");
    this.gatewayData = join(directory, "gateway");
  }

  /** A site with a running gateway; `prepare` is called before that starts. */
  static async open(prepare?: (site: Site) => Promise<void>): Promise<Site> {
    const site = new Site(await temporaryDirectory(), await freePort());
    onTestFinished(() => site.close());
    await mkdir(site.scripts);
    await mkdir(site.secrets);
    await prepare?.(site);
    await site.startGateway();
    return site;
  }

  /** The data directory of the runner at `place`. */
  runnerData(place = "runner"): string {
    return join(this.directory, place);
  }

  /** A gateway at the same address that remembers nothing, as after a lost disk. Tokens are made anew. */
  async startEmptyGateway(): Promise<void> {
    this.gatewayData = join(this.directory, "empty-gateway");
    await this.startGateway();
  }

  async startGateway(): Promise<void> {
    const dataDirectory = this.gatewayData;
    this.#gateway = this.#spawn(
      "gateway",
      ["gateway", "--port", String(this.port), "--data-directory", dataDirectory, "--queue-timeout-seconds", "120"],
      this.gatewayEnvironment,
    );
    await eventually(
      async () => (await fetch(`http://127.0.0.1:${this.port}/healthz`)).ok || Promise.reject(new Error("not healthy")),
    );
    const token = await readFile(join(dataDirectory, "admin-token"), "utf8");
    this.#adminToken = token.trim();
  }

  /** Sends a signal and waits for nothing: STOP makes it hang, CONT go on. */
  signalGateway(signal: NodeJS.Signals): void {
    this.#gateway?.kill(signal);
  }

  /** All that the gateway has logged so far. */
  gatewayLog(): Promise<string> {
    return readFile(join(this.directory, "gateway.log"), "utf8");
  }

  async killGateway(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (this.#gateway !== undefined) await end(this.#gateway, signal);
  }

  /** Makes a runner token; `arguments_` as in `gateway token create`. */
  async token(runnerId = "test-runner", more: readonly string[] = []): Promise<string> {
    const args = [
      "gateway",
      "token",
      "create",
      "--data-directory",
      this.gatewayData,
      "--runner",
      runnerId,
      "--json",
      ...more,
    ];
    const { stdout } = await run(process.execPath, [MAIN, ...args], { env: cleanEnvironment() });
    return (JSON.parse(stdout) as { token: string }).token;
  }

  /** A token that was good and is no longer. */
  async revokedToken(runnerId = "test-runner"): Promise<string> {
    const token = await this.token(runnerId);
    await this.revoke(token);
    return token;
  }

  /** Revokes a token as an administrator does, by another process. */
  async revoke(token: string): Promise<void> {
    const { jti } = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { jti: string };
    await run(process.execPath, [MAIN, "gateway", "token", "revoke", jti, "--data-directory", this.gatewayData], {
      env: cleanEnvironment(),
    });
  }

  /** Starts a runner; it is connected some time later (see `connected`). */
  async startRunner(options: RunnerOptions = {}): Promise<RunnerProcess> {
    const id = options.id ?? "test-runner";
    const place = options.place ?? "runner";
    const tokenFile = join(this.directory, `${place}.token`);
    if (options.environment?.["AUTH_TOKEN"] === undefined)
      await writeFile(tokenFile, await this.token(id), { mode: 0o600 });
    const serverUrl = `ws://${options.host ?? "127.0.0.1"}:${options.port ?? this.port}`;
    if (options.bare) {
      const token = (await readFile(tokenFile, "utf8")).trim();
      const bare = { AGENT_ID: id, AUTH_TOKEN: token, SERVER_URL: serverUrl, ...options.environment };
      return new RunnerProcess(this.#spawn(place, ["run"], bare), join(this.directory, `${place}.log`), tokenFile);
    }
    const environment = {
      AGENT_ID: id,
      AUTH_TOKEN_FILE: tokenFile,
      SERVER_URL: serverUrl,
      DATA_DIRECTORY: this.runnerData(place),
      SECRETS_MANAGER: "file",
      SECRETS_DIRECTORY: this.secrets,
      INGESTION_COMMAND: JSON.stringify(["/bin/sh", "-c", 'exec /bin/sh "$SCRIPTS/$pipelineType.sh"']),
      INGESTION_EXTRA_ENVS: JSON.stringify({ SCRIPTS: this.scripts, OUT: this.directory }),
      STOP_GRACE_SECONDS: "1",
      METRICS_SERVER_PORT: "off",
      ...options.environment,
    };
    const child = this.#spawn(place, ["run"], environment, options.through);
    return new RunnerProcess(child, join(this.directory, `${place}.log`), tokenFile);
  }

  /** Writes the program of a pipeline type. */
  async script(pipelineType: string, text: string): Promise<void> {
    await writeFile(join(this.scripts, `${pipelineType}.sh`), text);
  }

  async secret(name: string, value: string | Uint8Array): Promise<void> {
    const path = join(this.secrets, name);
    await mkdir(join(path, ".."), { recursive: true });
    await writeFile(path, value);
  }

  /** Calls the gateway's API; fails on any status from 400 on. */
  async api<T>(method: "GET" | "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#adminToken}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : parseExact(text)) as T;
  }

  /** Waits until the API shows the runner as connected. */
  async connected(runnerId = "test-runner", limitMs = 60_000): Promise<void> {
    await eventually(async () => {
      const runner = await this.api<{ status: string }>("GET", `/runners/${runnerId}`);
      if (runner.status !== "Connected") throw new Error(`the runner is ${runner.status}`);
    }, limitMs);
  }

  /** Registers and deploys a pipeline whose program is the script of its type. Answers its id. */
  async deploy(
    pipelineType: string,
    options: {
      connection?: unknown;
      runnerId?: string;
      timeoutSeconds?: number;
      /** Of the service. */
      serviceType?: string;
      /** More fields of the pipeline: sourceConfig, schedule, botToken, retries. */
      more?: Readonly<Record<string, unknown>>;
    } = {},
  ): Promise<string> {
    const name = `${pipelineType}-${crypto.randomUUID().slice(0, 8)}`;
    const service = await this.api<{ serviceId: string }>("POST", "/services", {
      name,
      serviceType: options.serviceType ?? "Sqlite",
      connection: { config: options.connection ?? "none" },
      runnerId: options.runnerId ?? "test-runner",
    });
    const { pipelineId } = await this.api<{ pipelineId: string }>("POST", "/pipelines", {
      name,
      serviceId: service.serviceId,
      pipelineType,
      sourceConfig: {},
      ...options.more,
      ...(options.timeoutSeconds === undefined ? {} : { timeoutSeconds: options.timeoutSeconds }),
    });
    await this.api("POST", `/pipelines/${pipelineId}/deploy`);
    return pipelineId;
  }

  /** Orders a run. Answers its id. */
  async start(pipelineId: string): Promise<string> {
    const { run: ordered } = await this.api<{ run: RunView }>("POST", `/pipelines/${pipelineId}/run`);
    return ordered.runId;
  }

  run(runId: string): Promise<RunView> {
    return this.api<RunView>("GET", `/runs/${runId}`);
  }

  /** Waits until a run has a state of this list. */
  async until(runId: string, states: readonly string[], limitMs = 90_000): Promise<RunView> {
    return eventually(async () => {
      const view = await this.run(runId);
      if (!states.includes(view.state))
        throw new Error(`the run is ${view.state} (${view.dispatch}): ${JSON.stringify(view.failure)}`);
      return view;
    }, limitMs);
  }

  /** Waits for the end of a run. */
  ended(runId: string, limitMs = 90_000): Promise<RunView> {
    return this.until(runId, ["success", "failed", "partialSuccess", "stopped"], limitMs);
  }

  /** Waits until all of a run's log is here and proved, and answers it. */
  async wholeLog(runId: string): Promise<string> {
    return eventually(async () => {
      const page = await this.api<{ text: string; complete: boolean; verified: boolean }>(
        "GET",
        `/runs/${runId}/logs?limit=1048576`,
      );
      if (!page.complete || !page.verified)
        throw new Error(`the log is not whole: ${JSON.stringify({ ...page, text: page.text.length })}`);
      return page.text;
    });
  }

  /** Lines that programs have written to a file of the site. */
  async lines(name: string): Promise<readonly string[]> {
    const text = await readFile(join(this.directory, name), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  async close(): Promise<void> {
    for (const child of this.#children) await end(child, "SIGKILL");
    await endMarked(this.directory);
  }

  #adminToken = "";

  #spawn(
    name: string,
    args: readonly string[],
    environment: Readonly<Record<string, string>>,
    through: readonly string[] = [],
  ): ChildProcess {
    const [command = "", ...rest] = [...through, process.execPath, MAIN, ...args];
    const child = spawn(command, rest, {
      env: { ...cleanEnvironment(), ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const log = createWriteStream(join(this.directory, `${name}.log`), { flags: "a" });
    child.stdout?.pipe(log, { end: false });
    child.stderr?.pipe(log, { end: false });
    this.#children.add(child);
    return child;
  }
}

/** A runner process of the site. */
export class RunnerProcess {
  readonly #child: ChildProcess;
  readonly tokenFile: string;
  /** `performance.now()` */
  readonly startedAt: number = performance.now();
  readonly #logFile: string;

  constructor(child: ChildProcess, logFile: string, tokenFile: string) {
    this.#child = child;
    this.#logFile = logFile;
    this.tokenFile = tokenFile;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The token it reads at its next dial. */
  async token(): Promise<string> {
    return (await readFile(this.tokenFile, "utf8")).trim();
  }

  get alive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Ends it; answers its exit code, null after a signal. */
  async end(signal: NodeJS.Signals = "SIGKILL"): Promise<number | null> {
    await end(this.#child, signal);
    return this.#child.exitCode;
  }

  /** Sends a signal and waits for nothing. */
  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Waits for its end; answers its exit code, null after a signal. */
  async exited(): Promise<number | null> {
    if (this.alive) await new Promise((resolve) => this.#child.once("exit", resolve));
    return this.#child.exitCode;
  }

  /** All it has logged so far; a restarted runner of the same place goes on in the same file. */
  log(): Promise<string> {
    return readFile(this.#logFile, "utf8");
  }
}

/** Sends a signal and waits for the end. */
async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill(signal);
  await exited;
}

/** Ends every process whose environment names the site's directory: supervisors and programs outlive their runner. */
async function endMarked(directory: string): Promise<void> {
  const { readdir } = await import("node:fs/promises");
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const environ = await readFile(`/proc/${pid}/environ`, "utf8").catch(() => "");
    const command = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    if (!environ.includes(directory) && !command.includes(directory)) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // it ended meanwhile
    }
  }
}

/** The environment of a machine where nothing is set up. */
export function cleanEnvironment(): Record<string, string> {
  return { PATH: "/usr/bin:/bin", HOME: "/nonexistent" };
}

/** A port that was free a moment ago; needed because a restarted gateway has to come back at the same one. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
