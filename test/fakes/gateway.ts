import { createServer, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { CLOSE_CODES, type CloseName } from "../../src/protocol/close-codes.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../src/protocol/codec.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import type { MessageBodies, MessageType, RunReport } from "../../src/protocol/messages.ts";
import { RUNNER_PATH, SUBPROTOCOL } from "../../src/protocol/version.ts";
import {
  createSocketAcceptor,
  guardUpgrade,
  refuseUpgrade,
  type Socket,
  type UpgradeRequest,
} from "../../src/runtime/socket.ts";
import { joinBytes } from "./bytes.ts";
import { eventually } from "./eventually.ts";

/** What the gateway answers; each part may be changed while it runs. */
export interface GatewayScript {
  /** Refuses the dial at the upgrade; undefined lets it in. `dial` counts from 0. */
  refuse: (
    request: UpgradeRequest,
    dial: number,
  ) => { status: number; body: object; headers?: Record<string, string> } | undefined;
  /** False: `hello` gets no answer. */
  welcomes: boolean;
  /** Replaces parts of `welcome`. */
  welcome: Partial<MessageBodies["welcome"]>;
  /** False: the inventory gets no answer. */
  answersInventory: boolean;
  /** Pages of wanted pipelines. */
  wanted: Omit<MessageBodies["wanted"], "last">[];
  /** Decides about each update; `false` stores nothing and acknowledges nothing. */
  onUpdate: (session: GatewaySession, frame: Frame<"run.update" | "run.log">) => boolean;
  /** False: what is stored isn't acknowledged. */
  acknowledges: boolean;
}

/** What came with an upgrade request. */
export interface Dial {
  readonly token: string | undefined;
  readonly runnerId: string | undefined;
  readonly path: string;
}

/** A gateway for tests: a real WebSocket server on a free port that follows a script and remembers what it was told. */
export class FakeGateway {
  readonly script: GatewayScript = {
    refuse: () => undefined,
    welcomes: true,
    welcome: {},
    answersInventory: true,
    wanted: [{ pipelines: [], tombstones: [] }],
    onUpdate: () => true,
    acknowledges: true,
  };
  readonly sessions: GatewaySession[] = [];
  readonly dials: Dial[] = [];
  /** Reports in the order in which they were stored. */
  readonly reports: RunReport[] = [];
  /** Logs as they were put together by offset. */
  readonly logs: Map<string, Uint8Array> = new Map();
  /** Pieces of log that were missing when a later one came. */
  readonly gaps: { readonly runId: string; readonly offset: number; readonly bytes: number }[] = [];
  /** Pieces of log that came although the gateway had named a later cursor. */
  readonly overlaps: { readonly runId: string; readonly offset: number; readonly bytes: number }[] = [];
  readonly clock: Clock;
  readonly #server: Server;
  readonly #scheme: "ws" | "wss";
  #epoch = 0;

  private constructor(server: Server, scheme: "ws" | "wss", clock: Clock) {
    this.#server = server;
    this.#scheme = scheme;
    this.clock = clock;
  }

  /** Starts one that ends with the test. */
  static async start(
    script: Partial<GatewayScript> = {},
    options: { clock?: Clock; tls?: { key: string; cert: string } } = {},
  ): Promise<FakeGateway> {
    const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
    const gateway = new FakeGateway(server, options.tls === undefined ? "ws" : "wss", options.clock ?? systemClock);
    Object.assign(gateway.script, script);
    gateway.#listenForUpgrades();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => gateway.stop());
    return gateway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.port}${RUNNER_PATH}`;
  }

  /** The session with this number, from 0, once it exists. */
  session(number: number): Promise<GatewaySession> {
    return eventually(() => {
      const session = this.sessions[number];
      if (session === undefined) throw new Error(`there is no session ${number} yet`);
      return session;
    });
  }

  /** The text of a log as the gateway has it. */
  logText(runId: string): string {
    return new TextDecoder().decode(this.logs.get(runId));
  }

  async stop(): Promise<void> {
    for (const session of this.sessions) session.socket.terminate();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  nextEpoch(): number {
    this.#epoch += 1;
    return this.#epoch;
  }

  #listenForUpgrades(): void {
    const acceptor = createSocketAcceptor({ subprotocol: SUBPROTOCOL, maxPayloadBytes: LIMITS.maxFrameBytes });
    this.#server.on("upgrade", (request, rawSocket, head) => {
      guardUpgrade(rawSocket);
      const dial = this.dials.length;
      this.dials.push({
        token: request.headers.authorization,
        runnerId: request.headers["x-runner-id"]?.toString(),
        path: request.url ?? "",
      });
      const refusal = this.script.refuse(request, dial);
      if (refusal !== undefined) {
        refuseUpgrade(rawSocket, refusal.status, refusal.body, refusal.headers);
        return;
      }
      acceptor.accept(request, rawSocket, head).then(
        (socket) => this.sessions.push(new GatewaySession(this, socket)),
        () => undefined,
      );
    });
  }
}

/** One session as the gateway sees it. */
export class GatewaySession {
  readonly received: Frame[] = [];
  /** Frames that couldn't be read: a runner must never send one. */
  readonly unreadable: unknown[] = [];
  readonly socket: Socket;
  readonly #gateway: FakeGateway;
  epoch = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;

  constructor(gateway: FakeGateway, socket: Socket) {
    this.#gateway = gateway;
    this.socket = socket;
    socket.onText = (text) => this.#receive(text);
    socket.onClose = (code, reason) => {
      this.closed = { code, reason };
    };
  }

  /** All received frames of one type. */
  of<T extends MessageType>(type: T): Frame<T>[] {
    return this.received.filter((frame) => frame.type === type) as Frame[] as Frame<T>[];
  }

  /** The received frame of this type with this number, from 0, once it is there. */
  expect<T extends MessageType>(type: T, number = 0): Promise<Frame<T>> {
    return eventually(() => {
      const frame = this.of(type)[number];
      if (frame === undefined) {
        const seen = this.received.map((other) => other.type).slice(-20);
        throw new Error(`there is no ${type} ${number} yet, only ${seen}; closed ${JSON.stringify(this.closed)}`);
      }
      return frame;
    });
  }

  send<T extends MessageType>(type: T, body: MessageBodies[T], epoch: number = this.epoch): void {
    this.socket.send(encodeFrame({ type, epoch, body } as Frame, "down"));
  }

  /** Says goodbye as the protocol wants it. */
  closeBy(name: CloseName, reason = "", retryAfterSeconds?: number): void {
    this.send("close", { name, reason, ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }) });
    this.socket.close(CLOSE_CODES[name].code, reason);
  }

  #receive(text: string): void {
    let frame: Frame;
    try {
      frame = decodeFrame(text, "up");
    } catch (error) {
      this.unreadable.push(error);
      return;
    }
    this.received.push(frame);
    if (frame.type === "hello") this.#onHello();
    if (frame.type === "inventory" && frame.body.last) this.#onInventory();
    if (frame.type === "run.update" || frame.type === "run.log") this.#onUpdate(frame);
  }

  #onHello(): void {
    const { script, clock } = this.#gateway;
    if (!script.welcomes) return;
    this.epoch = this.#gateway.nextEpoch();
    this.send("welcome", {
      protocolVersion: 1,
      epoch: this.epoch,
      serverTime: clock.now(),
      gatewayVersion: "0.0.0-test",
      heartbeatSeconds: LIMITS.heartbeatSeconds,
      silenceSeconds: LIMITS.silenceSeconds,
      ...script.welcome,
    });
  }

  #onInventory(): void {
    const { script, logs } = this.#gateway;
    if (!script.answersInventory) return;
    const listed = this.of("inventory").flatMap(({ body }) => body.runs);
    const cursors = [...new Set(listed.map(({ runId }) => runId))].flatMap((runId) => {
      const stored = logs.get(runId);
      return stored === undefined ? [] : [{ runId, offset: stored.length }];
    });
    this.send("logCursors", { runs: cursors });
    for (const [number, page] of script.wanted.entries()) {
      this.send("wanted", { ...page, last: number === script.wanted.length - 1 });
    }
  }

  #onUpdate(frame: Frame<"run.update" | "run.log">): void {
    const { script, reports } = this.#gateway;
    if (!script.onUpdate(this, frame)) return;
    if (frame.type === "run.update") reports.push(frame.body);
    else this.#append(frame.body);
    if (script.acknowledges && frame.seq !== undefined) this.send("ack", { seq: frame.seq });
  }

  /** By the rule of docs/protocol.md, "Logs": drop what is there, note what is missing. */
  #append({ runId, offset, text }: MessageBodies["run.log"]): void {
    const { logs, gaps, overlaps } = this.#gateway;
    const stored = logs.get(runId) ?? new Uint8Array(0);
    const bytes = new TextEncoder().encode(text);
    if (offset > stored.length) gaps.push({ runId, offset: stored.length, bytes: offset - stored.length });
    if (offset < stored.length) overlaps.push({ runId, offset, bytes: stored.length - offset });
    const fresh = bytes.subarray(Math.min(bytes.length, Math.max(0, stored.length - offset)));
    logs.set(runId, joinBytes(stored, fresh));
  }
}
