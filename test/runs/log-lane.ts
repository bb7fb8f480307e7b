import { appendFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Sensitive } from "../../src/base/sensitive.ts";
import { type Connection, createConnection } from "../../src/connection/connection.ts";
import { readLogPiece } from "../../src/executor/process/log-reader.ts";
import type { LogEnd, RunReport } from "../../src/protocol/messages.ts";
import { RunLogs } from "../../src/runs/run-logs.ts";
import { RunTable } from "../../src/runs/run-table.ts";
import { sha256Hex } from "../../src/runtime/crypto.ts";
import { eventually } from "../fakes/eventually.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { TestGateway } from "../gateway/test-gateway.ts";

/** A page of log as the API answers it. */
export interface LogView {
  readonly text: string;
  readonly nextOffset: number;
  readonly complete: boolean;
  readonly verified: boolean;
  readonly capped: boolean;
  readonly note?: string;
  readonly gaps: readonly (readonly [number, number])[];
}

/** The way of logs with all that is real on it: files, the runner's log lane, its connection, a line that can be cut, a whole gateway. */
export class LogLane {
  readonly gateway: TestGateway;
  readonly delivered: Set<string> = new Set();
  readonly #directory: string;
  readonly #proxy: TcpProxy;
  readonly #pipelineId: string;
  readonly #table = new RunTable();
  readonly #texts = new Map<string, string>();
  readonly #logs: RunLogs;
  readonly #connection: Connection;
  sessions = 0;

  private constructor(gateway: TestGateway, directory: string, proxy: TcpProxy, pipelineId: string, made: Made) {
    this.gateway = gateway;
    this.#directory = directory;
    this.#proxy = proxy;
    this.#pipelineId = pipelineId;
    this.#logs = new RunLogs({
      executor: {
        readLog: (runId, offset, limit) => {
          const end = this.#table.endOfLog(runId);
          return readLogPiece(join(directory, runId), offset, limit, typeof end === "number" ? end : undefined);
        },
      },
      clock: systemClock,
      log: silentLog,
      limitBytes: made.limitBytes,
      endOf: (runId) => this.#table.endOfLog(runId),
      wake: () => this.#connection.wake(),
      onDelivered: (runId) => void this.delivered.add(runId),
    });
    this.#connection = createConnection({
      url: `ws://127.0.0.1:${proxy.port}`,
      token: async () => new Sensitive(made.token),
      runner: {
        runnerId: "alpha",
        installationId: crypto.randomUUID(),
        instanceId: crypto.randomUUID(),
        runnerVersion: "1.2.3",
        executor: "process",
        platform: "test",
        operations: [],
        maxConcurrentRuns: 50,
      },
      reconnectFloorMs: 0,
      side: {
        inventory: async () => ({ pipelines: [], runs: this.#table.all().map(withoutDetails) }),
        compare: async () => ({ fetch: [], deleted: 0, orphans: [] }),
        operate: async () => ({ outcome: "unsupported", message: "not in this test" }),
        acknowledged: () => undefined,
        logs: this.#logs,
      },
      clock: systemClock,
      log: silentLog,
      onStatus: ({ state }: { readonly state: string }) => {
        if (state === "ready") this.sessions += 1;
      },
    });
  }

  /** `limitBytes`: how much of one log is sent. */
  static async open(limitBytes: number = Number.MAX_SAFE_INTEGER): Promise<LogLane> {
    const gateway = await TestGateway.start();
    const { pipelineId } = await gateway.pipeline();
    const { text: token } = await gateway.token({ runnerId: "alpha" });
    const proxy = await TcpProxy.start(Number(new URL(gateway.url).port));
    const lane = new LogLane(gateway, await temporaryDirectory(), proxy, pipelineId, { token, limitBytes });
    onTestFinished(async () => {
      lane.#logs.stop();
      await Promise.race([lane.#connection.close("normal", 0), new Promise((resolve) => setTimeout(resolve, 1000))]);
    });
    lane.#logs.start();
    lane.#connection.start();
    await eventually(() => {
      if (lane.sessions === 0) throw new Error("not connected");
    });
    return lane;
  }

  /** A live run with an empty log. */
  async run(runId: string = crypto.randomUUID()): Promise<string> {
    await mkdir(join(this.#directory, runId));
    this.#texts.set(runId, "");
    this.#report({ runId, pipelineId: this.#pipelineId, attempt: 1, state: "running", startedAt: 1 });
    await eventually(async () => {
      if ((await this.gateway.store.findRun(runId)) === undefined) throw new Error("the gateway has no run");
    });
    this.#logs.add(runId);
    return runId;
  }

  async write(runId: string, text: string): Promise<void> {
    this.#texts.set(runId, this.text(runId) + text);
    await appendFile(join(this.#directory, runId, "output.log"), text);
  }

  /** The whole log on site. */
  text(runId: string): string {
    return this.#texts.get(runId) ?? "";
  }

  /** The run ends; `told` replaces what its report says of the log. */
  end(runId: string, told: Partial<LogEnd> = {}): void {
    const text = this.text(runId);
    const log = { bytes: Buffer.byteLength(text), sha256: sha256Hex(text), ...told };
    this.#report({
      runId,
      pipelineId: this.#pipelineId,
      attempt: 1,
      state: "success",
      proof: "exit code 0",
      startedAt: 1,
      endedAt: 2,
      log,
    });
  }

  /** Resets the line; the connection comes back by itself. */
  cut(): void {
    this.#proxy.cut();
  }

  /** All of a log as the gateway shows it. */
  async view(runId: string): Promise<LogView> {
    let text = "";
    for (let after = 0; ; ) {
      const path = `/api/v1/runs/${runId}/logs?after=${after}&limit=1048576`;
      const page = await this.gateway.ask<LogView>("GET", path);
      text += page.text;
      if (page.nextOffset === after) return { ...page, text };
      after = page.nextOffset;
    }
  }

  /** Waits until the runner has delivered the log, and answers it. */
  async whole(runId: string, limitMs = 30_000): Promise<LogView> {
    await eventually(() => {
      if (!this.delivered.has(runId)) throw new Error("the log is not delivered");
    }, limitMs);
    return this.view(runId);
  }

  #report(report: RunReport): void {
    if (!this.#table.advance(report)) this.#table.add(report);
    this.#connection.put(report);
  }
}

interface Made {
  readonly token: string;
  readonly limitBytes: number;
}

function withoutDetails({ runId, pipelineId, attempt, state }: RunReport) {
  return { runId, pipelineId, attempt, state };
}
