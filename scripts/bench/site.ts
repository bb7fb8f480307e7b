import { type ChildProcess, execFile } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import { CLEAN_ENVIRONMENT, end, startOwned, until } from "./processes.ts";

/** A run as the gateway's API shows it, as far as it is read here. */
export interface RunView {
  readonly runId: string;
  readonly state: string;
  readonly logBytes: number;
  readonly logEnd?: { readonly bytes: number; readonly sha256: string };
  readonly failure?: { readonly summary: string; readonly detail?: string };
}

/** The runner's id at every site. */
export const RUNNER_ID = "bench";

/** A gateway and a runner as processes, started from the executable, in a directory of their own. */
export class Site {
  readonly directory: string;
  readonly gatewayData: string;
  readonly runnerData: string;
  readonly secrets: string;
  readonly #executable: string;
  readonly #port: number;
  #token = "";
  #adminToken = "";
  #gateway: ChildProcess | undefined;
  #runners: RunnerProcess[] = [];

  private constructor(executable: string, directory: string, port: number) {
    this.#executable = executable;
    this.#port = port;
    this.directory = directory;
    this.gatewayData = join(directory, "gateway");
    this.runnerData = join(directory, "runner");
    this.secrets = join(directory, "secrets");
  }

  /** Makes the site with a running gateway. `prepare` is called before the gateway starts, when its database is there. */
  static async open(executable: string, directory: string, prepare?: (site: Site) => Promise<void>): Promise<Site> {
    await mkdir(join(directory, "secrets"), { recursive: true });
    const site = new Site(executable, directory, await freePort());
    try {
      await prepare?.(site);
      await site.startGateway();
      site.#token = await site.#createToken();
    } catch (error) {
      await site.close();
      throw error;
    }
    return site;
  }

  get gatewayPid(): number {
    return this.#gateway?.pid ?? 0;
  }

  async startGateway(): Promise<void> {
    const args = ["gateway", "--port", String(this.#port), "--data-directory", this.gatewayData];
    this.#gateway = startOwned([this.#executable, ...args], CLEAN_ENVIRONMENT);
    await until("the gateway's start", () =>
      fetch(`http://127.0.0.1:${this.#port}/healthz`).then(
        (response) => response.ok || undefined,
        () => undefined,
      ),
    );
    this.#adminToken = (await readFile(join(this.gatewayData, "admin-token"), "utf8")).trim();
  }

  async killGateway(): Promise<void> {
    if (this.#gateway !== undefined) await end(this.#gateway);
  }

  /** Variables a runner of this site is started with. */
  async runnerEnvironment(command: readonly string[]): Promise<Record<string, string>> {
    const tokenFile = join(this.directory, "token");
    await writeFile(tokenFile, this.#token, { mode: 0o600 });
    return {
      ...CLEAN_ENVIRONMENT,
      AGENT_ID: RUNNER_ID,
      AUTH_TOKEN_FILE: tokenFile,
      SERVER_URL: `ws://127.0.0.1:${this.#port}`,
      DATA_DIRECTORY: this.runnerData,
      SECRETS_MANAGER: "file",
      SECRETS_DIRECTORY: this.secrets,
      INGESTION_COMMAND: JSON.stringify(command),
      LOG_FORMAT: "json",
      METRICS_SERVER_PORT: "0",
    };
  }

  /** Starts a runner whose runs start `command`. */
  async startRunner(command: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<RunnerProcess> {
    return this.startRunnerAs([this.#executable, "run"], { ...(await this.runnerEnvironment(command)), ...more });
  }

  /** Starts any program as the runner; it must log as the runner does. */
  startRunnerAs(program: readonly string[], env: Readonly<Record<string, string>>): RunnerProcess {
    const runner = new RunnerProcess(program, env);
    this.#runners.push(runner);
    return runner;
  }

  /** Registers and deploys a pipeline. Answers its id. */
  async deploy(connection: unknown = { config: "none" }): Promise<string> {
    const name = `bench-${crypto.randomUUID()}`;
    const { serviceId } = await this.api<{ serviceId: string }>("POST", "/services", {
      name,
      serviceType: "Sqlite",
      connection,
      runnerId: RUNNER_ID,
    });
    const wish = { name, serviceId, pipelineType: "metadata", sourceConfig: {} };
    const { pipelineId } = await this.api<{ pipelineId: string }>("POST", "/pipelines", wish);
    await this.api("POST", `/pipelines/${pipelineId}/deploy`);
    return pipelineId;
  }

  /** Orders a run. Answers its id. */
  async order(pipelineId: string): Promise<string> {
    const { run } = await this.api<{ run: RunView }>("POST", `/pipelines/${pipelineId}/run`);
    return run.runId;
  }

  run(runId: string): Promise<RunView> {
    return this.api<RunView>("GET", `/runs/${runId}`);
  }

  /** Waits for a run's success. @throws Error when it ends in another way */
  async success(runId: string, limitMs = 120_000, pauseMs = 25): Promise<RunView> {
    return until(`the end of run ${runId}`, async () => assertGood(await this.run(runId)), limitMs, pauseMs);
  }

  async api<T>(method: "GET" | "POST", path: string, body?: unknown): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${this.#adminToken}`, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === "" ? undefined : JSON.parse(text)) as T;
  }

  /** What the gateway tells of a run as it comes, until it has ended. */
  async *events(runId: string): AsyncGenerator<{ readonly name: string; readonly data: unknown }> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/api/v1/runs/${runId}/events`, {
      headers: { authorization: `Bearer ${this.#adminToken}` },
    });
    let rest = "";
    for await (const text of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      const whole = (rest + text).split("\n\n");
      rest = whole.pop() ?? "";
      for (const event of whole) {
        const [, name = ""] = /^event: ?(.*)$/m.exec(event) ?? [];
        const [, data = "null"] = /^data: ?(.*)$/m.exec(event) ?? [];
        yield { name, data: JSON.parse(data) };
      }
    }
  }

  /** Ends everything. Runs must have ended before. */
  async close(): Promise<void> {
    for (const runner of this.#runners) await runner.end();
    await this.killGateway();
  }

  async #createToken(): Promise<string> {
    const args = ["gateway", "token", "create", "--data-directory", this.gatewayData, "--runner", RUNNER_ID, "--json"];
    const { stdout } = await promisify(execFile)(this.#executable, args, { env: CLEAN_ENVIRONMENT });
    return (JSON.parse(stdout) as { token: string }).token;
  }
}

/** The run when it has ended well, undefined while it goes on. @throws Error when it has ended badly */
export function assertGood(run: RunView): RunView | undefined {
  if (run.state === "success") return run;
  if (run.state === "queued" || run.state === "running") return undefined;
  throw new Error(`Cannot measure: run ${run.runId} is ${run.state}: ${JSON.stringify(run.failure)}`);
}

/** One log line of a runner, with the moment (performance.now) at which it arrived here. */
export interface Line {
  readonly at: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A runner of a site; what it logs tells where it stands. */
export class RunnerProcess {
  readonly startedAt: number;
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #news = new EventEmitter();

  constructor(program: readonly string[], env: Readonly<Record<string, string>>) {
    this.startedAt = performance.now();
    this.#child = startOwned(program, env, ["ignore", "ignore", "pipe"]);
    this.#child.once("exit", () => this.#news.emit("line"));
    if (this.#child.stderr === null) return;
    createInterface({ input: this.#child.stderr }).on("line", (text) => {
      this.#lines.push({ at: performance.now(), fields: fieldsOf(text) });
      this.#news.emit("line");
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The first line of its log that fits; only lines that came after `since` (performance.now) count. */
  async logged(what: string, fits: (fields: Line["fields"]) => boolean, since = 0, limitMs = 120_000): Promise<Line> {
    const limit = AbortSignal.timeout(limitMs);
    for (;;) {
      const found = this.#lines.find((line) => line.at >= since && fits(line.fields));
      if (found !== undefined) return found;
      if (this.#child.exitCode !== null || limit.aborted) {
        throw new Error(`Cannot measure: the runner did not get to ${what}: ${JSON.stringify(this.#lines.slice(-5))}`);
      }
      await new Promise<void>((resolve) => {
        const done = (): void => {
          limit.removeEventListener("abort", done);
          this.#news.off("line", done);
          resolve();
        };
        limit.addEventListener("abort", done);
        this.#news.on("line", done);
      });
    }
  }

  /** The moment at which it was known that the gateway has given it a session. */
  async welcome(): Promise<number> {
    const fits = ({ state, epoch }: Line["fields"]): boolean => state === "greeting" && Number(epoch) > 0;
    return (await this.logged("welcome", fits)).at;
  }

  /** The moment at which it was known that its greeting goes out. */
  async greeting(since: number): Promise<number> {
    return (await this.logged("its greeting", ({ state }) => state === "greeting", since)).at;
  }

  /** The moment at which it was known to be in step. */
  async ready(since?: number, limitMs?: number): Promise<number> {
    return (await this.logged("being in step", ({ state }) => state === "ready", since, limitMs)).at;
  }

  /** A number it has logged under this name after `since`. */
  async number(name: string, since: number): Promise<number> {
    return Number((await this.logged(name, (fields) => fields[name] !== undefined, since)).fields[name]);
  }

  end(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    return end(this.#child, signal);
  }
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return { text };
  }
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
