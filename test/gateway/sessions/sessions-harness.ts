import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { Sensitive } from "../../../src/base/sensitive.ts";
import { createRunnerSessions } from "../../../src/gateway/sessions/runner-sessions.ts";
import type { RunnerSessions } from "../../../src/gateway/sessions/sessions.ts";
import { openSqliteStore } from "../../../src/gateway/store/sqlite-store.ts";
import type { PipelineRecord, RunRecord, Store } from "../../../src/gateway/store/store.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { RUNNER_ID_HEADER, SUBPROTOCOL } from "../../../src/protocol/version.ts";
import { createSocketAcceptor } from "../../../src/runtime/socket.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";
import { pipeline, run, service } from "../store/records.ts";
import { Line } from "./line.ts";

/** The sessions over a real store and a real server; only their clock is the test's, so that waits take no time. */
export class Harness {
  readonly store: Store;
  readonly clock: FakeClock;
  readonly sessions: RunnerSessions;
  readonly captured: string[];
  readonly port: number;

  private constructor(store: Store, clock: FakeClock, sessions: RunnerSessions, captured: string[], port: number) {
    this.store = store;
    this.clock = clock;
    this.sessions = sessions;
    this.captured = captured;
    this.port = port;
  }

  /** `wrap` may put something between the sessions and the store; `tokenRunnerId` is what every token is good for. */
  static async start(
    options: {
      readonly wrap?: (store: Store) => Store;
      readonly tokenRunnerId?: string;
      readonly serverVersion?: string;
    } = {},
  ): Promise<Harness> {
    const path = join(await temporaryDirectory(), "gateway.db");
    const key = new Sensitive(new Uint8Array(32).fill(7));
    const store = await openSqliteStore({ path, key, clock: systemClock });
    onTestFinished(() => store.close());
    const clock = new FakeClock();
    const captured: string[] = [];
    const sessions = createRunnerSessions({
      store: options.wrap?.(store) ?? store,
      clock,
      log: silentLog,
      gatewayVersion: "9.9.9",
      serverApiUrl: "http://openmetadata/api",
      serverVersion: options.serverVersion,
      capture: (direction, text) => void captured.push(`${direction} ${text}`),
    });
    const { tokenRunnerId } = options;
    const acceptor = createSocketAcceptor({ subprotocol: SUBPROTOCOL, maxPayloadBytes: LIMITS.maxFrameBytes });
    const server = createServer();
    server.on("upgrade", (request, socket, head) => {
      void acceptor.accept(request, socket, head).then((accepted) => {
        const runnerId = String(request.headers[RUNNER_ID_HEADER]);
        sessions.accept(accepted, { runnerId, ...(tokenRunnerId === undefined ? {} : { tokenRunnerId }) });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(async () => {
      const closing = sessions.close();
      // The limit of a close that a silent runner holds up is on the test's clock.
      const end = setInterval(() => void clock.advance(1000), 20);
      await closing;
      clearInterval(end);
      server.close();
    });
    return new Harness(store, clock, sessions, captured, (server.address() as AddressInfo).port);
  }

  dial(runnerId?: string): Promise<Line> {
    return Line.dial(this.port, runnerId);
  }

  /** A runner in step that has what it is given. */
  async runner(has: Parameters<Line["compare"]>[0] = {}, runnerId?: string): Promise<Line> {
    const line = await this.dial(runnerId);
    await line.greet();
    await line.compare(has);
    return line.inStep();
  }

  /** A deployed pipeline with its service. */
  async pipeline(more: Partial<PipelineRecord> = {}): Promise<PipelineRecord> {
    const shop = service();
    await this.store.addService(shop);
    const one = pipeline({ serviceId: shop.serviceId, ...more });
    await this.store.addPipeline(one, new Sensitive("bot"));
    return one;
  }

  /** A run of a pipeline that waits for its runner. */
  async waitingRun(of: Pick<PipelineRecord, "pipelineId">, more: Partial<RunRecord> = {}): Promise<RunRecord> {
    const now = this.clock.now();
    const one = run({ pipelineId: of.pipelineId, createdAt: now, startDeadline: now + 3_600_000, ...more });
    await this.store.addRun(one);
    return one;
  }

  /** What a run is told to wait for. */
  async waitsFor(runId: string): Promise<string> {
    return (await this.sessions.waitingReason(await this.find(runId))).text;
  }

  async find(runId: string): Promise<RunRecord> {
    const found = await this.store.findRun(runId);
    if (found === undefined) throw new Error(`no run ${runId}`);
    return found;
  }
}
