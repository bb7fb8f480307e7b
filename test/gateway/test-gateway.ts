import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { parseExact } from "../../src/base/exact-json.ts";
import { createLog } from "../../src/base/log.ts";
import type { ErrorBody } from "../../src/gateway/api/error-response.ts";
import type { PipelineView, RunView, ServiceView } from "../../src/gateway/api/views.ts";
import { createRunnerToken, type TokenWish } from "../../src/gateway/auth/runner-tokens.ts";
import { readGatewayConfig } from "../../src/gateway/config.ts";
import { type GatewayData, openGatewayData } from "../../src/gateway/data-directory.ts";
import { type Gateway, startGateway } from "../../src/gateway/gateway.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { expectDescribed } from "./api/described-answers.ts";
import { ScriptedRunner } from "./scripted-runner.ts";

/** An answer of the API. */
export interface Answer<T> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** A whole gateway in this process, on a free port, with a client. */
export class TestGateway {
  readonly directory: string;
  readonly gateway: Gateway;
  readonly adminToken: string;
  readonly logLines: string[];
  readonly #data: GatewayData;

  private constructor(directory: string, gateway: Gateway, adminToken: string, logLines: string[], data: GatewayData) {
    this.directory = directory;
    this.gateway = gateway;
    this.adminToken = adminToken;
    this.logLines = logLines;
    this.#data = data;
  }

  /** `place`: the data directory of a gateway that was there before. */
  static async start(flags: readonly string[] = [], place?: string): Promise<TestGateway> {
    const directory = place ?? (await temporaryDirectory());
    const config = await readGatewayConfig(
      ["--port", "0", "--data-directory", directory, "--log-level", "debug", ...flags],
      {},
    );
    const logLines: string[] = [];
    const log = createLog({
      clock: systemClock,
      level: "debug",
      format: "text",
      write: (line) => void logLines.push(line),
    });
    const gateway = await startGateway(config, { clock: systemClock, log });
    onTestFinished(() => gateway.close());
    const adminToken = (await readFile(join(directory, "admin-token"), "utf8")).trim();
    // A second connection to the same files, as the token commands have.
    const data = await openGatewayData(config, { clock: systemClock, log });
    onTestFinished(() => data.store.close());
    return new TestGateway(directory, gateway, adminToken, logLines, data);
  }

  get url(): string {
    return this.gateway.url;
  }

  get store(): GatewayData["store"] {
    return this.#data.store;
  }

  /** Calls the API as administrator; any status is an answer, and each is held against the catalogue of routes. */
  async call<T = ErrorBody>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${this.adminToken}` },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    });
    const answer = parseExact(await response.text());
    expectDescribed(method, path, response.status, answer);
    return { status: response.status, headers: response.headers, body: answer as T };
  }

  /** Calls the API and fails on any status from 400 on. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await this.call<T>(method, path, body);
    if (answer.status >= 400)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)} ${this.logLines.at(-1)}`);
    return answer.body;
  }

  async token(wish: TokenWish = {}): Promise<{ readonly text: string; readonly tokenId: string }> {
    const { token, record } = await createRunnerToken(this.#data.store, this.#data.keys, wish, systemClock);
    return { text: token.reveal(), tokenId: record.tokenId };
  }

  /** A scripted runner in step with the gateway. */
  async runner(runnerId = "alpha"): Promise<ScriptedRunner> {
    return ScriptedRunner.connect(this.url, (await this.token({ runnerId })).text, runnerId);
  }

  async service(name = "shop", more: object = {}): Promise<ServiceView> {
    const connection = { config: "secret:/shop/connection" };
    return this.#make("POST", "/api/v1/services", {
      name,
      serviceType: "Mysql",
      connection,
      runnerId: "alpha",
      ...more,
    });
  }

  /** A service with one pipeline that is not deployed. */
  async pipeline(more: object = {}): Promise<PipelineView> {
    const { serviceId } = await this.service(`service-${crypto.randomUUID().slice(0, 8)}`);
    const sourceConfig = { type: "DatabaseMetadata" };
    return this.#make("POST", "/api/v1/pipelines", {
      name: "metadata",
      serviceId,
      pipelineType: "metadata",
      sourceConfig,
      ...more,
    });
  }

  /** A pipeline that is deployed. */
  async deployed(more: object = {}): Promise<PipelineView> {
    const { pipelineId } = await this.pipeline(more);
    return this.#make("POST", `/api/v1/pipelines/${pipelineId}/deploy`);
  }

  /** Makes something whose runner needn't be there: what is told of that is left out. */
  async #make<T extends object>(method: string, path: string, body?: unknown): Promise<T> {
    const { warnings: _, ...made } = await this.ask<T & { warnings?: unknown }>(method, path, body);
    return made as unknown as T;
  }

  async startRun(pipelineId: string, body?: unknown): Promise<RunView> {
    return (await this.ask<{ run: RunView }>("POST", `/api/v1/pipelines/${pipelineId}/run`, body)).run;
  }

  run(runId: string): Promise<RunView> {
    return this.ask("GET", `/api/v1/runs/${runId}`);
  }
}
