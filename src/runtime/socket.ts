import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { describeError } from "../base/errors.ts";
import { acceptFailed } from "./socket-errors.ts";
import { guardUpgrade, type RawSocket, refuseUpgrade } from "./socket-refusal.ts";

export { guardUpgrade, type RawSocket, refuseUpgrade } from "./socket-refusal.ts";

/*
 * WebSockets, text only, and their server's end; dial.ts is the client's. These two files alone know the library under them.
 */

/** One open WebSocket that carries text. What arrives before a handler is set is kept for it (then the peer has to wait). */
export interface Socket {
  /** Sends one text frame. Never throws; on a closed socket it does nothing. */
  send(text: string): void;
  /** Bytes handed to `send` that the operating system hasn't taken yet. */
  readonly bufferedBytes: number;
  /** Sends a close frame; the socket ends when the peer answers, or without it after a few seconds. */
  close(code: number, reason: string): void;
  /** Ends the socket at once, without a close frame. */
  terminate(): void;
  /** Called with each text frame. */
  onText: ((text: string) => void) | undefined;
  /** Called for any bytes that arrive: text, part of one, ping, pong. */
  onAlive: (() => void) | undefined;
  /** Called once, after the last text. The code is this side's when it closed first, 1006 when the line broke. */
  onClose: ((code: number, reason: string) => void) | undefined;
}

/** The request of an upgrade, to be passed through by those who may not know the runtime. */
export type UpgradeRequest = IncomingMessage;

/** What an acceptor keeps to; a larger frame closes the socket with 4413. */
export interface AcceptorOptions {
  readonly subprotocol: string;
  readonly maxPayloadBytes: number;
}

/** The server's end of the upgrade. */
export interface SocketAcceptor {
  /**
   * Makes a WebSocket of an upgrade request. A request that isn't a proper one has been answered when this rejects.
   * @throws CodedError AcceptFailed
   */
  accept(request: UpgradeRequest, rawSocket: RawSocket, head: Uint8Array): Promise<Socket>;
}

/*
 * Private close codes of docs/protocol.md. The library reports a large frame as 1009 and text that isn't UTF-8 as 1007,
 * which say less and which some proxies produce themselves.
 */
const BAD_FRAME = 4400;
const FRAME_TOO_LARGE = 4413;
const OWN_CODES: Readonly<Record<number, number>> = { 1007: BAD_FRAME, 1008: FRAME_TOO_LARGE, 1009: FRAME_TOO_LARGE };

/** A close frame holds 125 bytes, two of them for the code. */
const MAX_REASON_BYTES = 123;

/** How long the library waits for the peer's close frame. */
export const CLOSE_GRACE: { readonly closeTimeout: number } = { closeTimeout: 3_000 };

/** The library's socket, with our close codes where it closes by itself. */
export class TextWebSocket extends WebSocket {
  /** What this side closed with, when it closed first. */
  ownClose: { readonly code: number; readonly reason: string } | undefined;
  #peerCame = false;

  override close(code?: number, reason?: string | Uint8Array): void {
    // With a reason as bytes it is the library's echo of the peer's close frame.
    if (reason instanceof Uint8Array) this.#peerCame = true;
    const mapped = reason === undefined && code !== undefined ? (OWN_CODES[code] ?? code) : code;
    if (!this.#peerCame && mapped !== undefined) {
      this.ownClose ??= { code: mapped, reason: typeof reason === "string" ? reason : "" };
    }
    super.close(mapped, reason as string | undefined);
  }
}

/** A socket on the library's. */
export class WsSocket implements Socket {
  readonly #ws: TextWebSocket;
  readonly #waiting: string[] = [];
  #ended: { readonly code: number; readonly reason: string } | undefined;
  #error: unknown;
  #onText: ((text: string) => void) | undefined;
  #onClose: ((code: number, reason: string) => void) | undefined;
  onAlive: (() => void) | undefined;

  constructor(ws: TextWebSocket, stream: Duplex | undefined) {
    this.#ws = ws;
    const alive = (): void => this.onAlive?.();
    stream?.on("data", alive);
    ws.on("ping", alive);
    ws.on("pong", alive);
    ws.on("message", (data, isBinary) => this.#receive(data, isBinary));
    ws.on("error", (error) => {
      this.#error = error;
    });
    ws.on("close", (code, reason) => {
      stream?.off("data", alive);
      const told = reason.length > 0 || this.#error === undefined ? reason.toString() : describeError(this.#error);
      const { ownClose } = ws;
      this.#ended = { code: ownClose?.code ?? code, reason: ownClose?.reason || told };
      this.#deliver();
    });
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount;
  }

  get onText(): ((text: string) => void) | undefined {
    return this.#onText;
  }

  set onText(handler: ((text: string) => void) | undefined) {
    this.#onText = handler;
    queueMicrotask(() => this.#deliver());
  }

  get onClose(): ((code: number, reason: string) => void) | undefined {
    return this.#onClose;
  }

  set onClose(handler: ((code: number, reason: string) => void) | undefined) {
    this.#onClose = handler;
    queueMicrotask(() => this.#deliver());
  }

  send(text: string): void {
    if (this.#ws.readyState === WebSocket.OPEN) this.#ws.send(text, () => undefined);
  }

  close(code: number, reason: string): void {
    this.#ws.resume();
    this.#ws.close(code, cutToBytes(reason, MAX_REASON_BYTES));
  }

  terminate(): void {
    this.#ws.terminate();
  }

  #receive(data: RawData, isBinary: boolean): void {
    this.onAlive?.();
    if (isBinary) {
      this.close(BAD_FRAME, "binary frames are not part of the protocol");
    } else {
      this.#waiting.push(data.toString());
      this.#deliver();
    }
  }

  /** Without a handler the stream is paused, so what waits is bounded by one read of it. */
  #deliver(): void {
    while (this.#onText !== undefined) {
      const text = this.#waiting.shift();
      if (text === undefined) break;
      this.#onText(text);
    }
    if (this.#waiting.length > 0) {
      this.#ws.pause();
    } else {
      if (this.#ws.isPaused) this.#ws.resume();
      this.#tellEnd();
    }
  }

  #tellEnd(): void {
    if (this.#ended === undefined || this.#onClose === undefined) return;
    const { code, reason } = this.#ended;
    const tell = this.#onClose;
    this.#onClose = undefined;
    tell(code, reason);
  }
}

/** Makes the server's end; one serves any number of upgrades. */
export function createSocketAcceptor(options: AcceptorOptions): SocketAcceptor {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.maxPayloadBytes,
    handleProtocols: () => options.subprotocol,
    WebSocket: TextWebSocket,
    ...CLOSE_GRACE,
  });
  const failures = new WeakMap<IncomingMessage, (cause: unknown) => void>();
  server.on("wsClientError", (cause, rawSocket, request) => {
    refuseUpgrade(rawSocket, 400, { code: "badFrame", message: cause.message });
    failures.get(request)?.(cause);
  });
  return {
    accept: (request, rawSocket, head) =>
      new Promise((resolve, reject) => {
        guardUpgrade(rawSocket);
        const fail = (cause: unknown): void => reject(acceptFailed(cause));
        if (rawSocket.destroyed) return fail(new Error("the client has gone"));
        if (!offers(request, options.subprotocol)) {
          const message = `the sub-protocol ${options.subprotocol} is required`;
          refuseUpgrade(rawSocket, 426, { code: "unsupportedVersion", message });
          return fail(new Error(message));
        }
        const onGone = (): void => fail(new Error("the client has gone"));
        failures.set(request, fail);
        rawSocket.once("close", onGone);
        server.handleUpgrade(request, rawSocket, Buffer.from(head), (ws) => {
          rawSocket.off("close", onGone);
          resolve(new WsSocket(ws, rawSocket));
        });
      }),
  };
}

function offers(request: IncomingMessage, subprotocol: string): boolean {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  return offered.split(",").some((name) => name.trim() === subprotocol);
}

function cutToBytes(text: string, limit: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= limit) return text;
  return new TextDecoder().decode(bytes.subarray(0, limit), { stream: true });
}
