import type { Duplex } from "node:stream";
import { type Clock, systemClock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { ProxyAddress } from "./proxy-address.ts";
import { tunnelAgent } from "./proxy-tunnel.ts";
import { CLOSE_GRACE, type Socket, TextWebSocket, WsSocket } from "./socket.ts";
import { addressOf, dialFailed, dialTimedOut } from "./socket-errors.ts";
import { dialRefused, readRefusal } from "./socket-refusal.ts";
import { speaksTls } from "./tls-probe.ts";
import { trusting } from "./trusted-certificates.ts";

/** Where and how to dial. */
export interface DialOptions {
  /** `wss://…` or `ws://…`. */
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly subprotocol: string;
  /** From the start to the open socket: name, TCP, TLS and HTTP together. */
  readonly connectTimeoutMs: number;
  /** A larger frame closes the socket with 4413. */
  readonly maxPayloadBytes: number;
  /** Only what these vouch for is trusted, in PEM; without them what the runtime and the system's store do. The same list is parsed once. */
  readonly caCertificates?: readonly string[];
  /** A proxy that is asked to CONNECT. */
  readonly proxy?: ProxyAddress;
  /** Gives the dial up; the answer rejects with its reason. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Opens a WebSocket. The host name is looked up anew each time, TLS is always verified, redirects are not followed.
 * @throws CodedError DialRefused (facts: `status`, and when told `refusal`, `retryAfterSeconds`, `date`),
 *   DialTimedOut, DialFailed (facts: `failure`, a DialFailure)
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const clock = options.clock ?? systemClock;
  const { proxy } = options;
  const address = `${addressOf(options.url)}${proxy === undefined ? "" : ` through the proxy ${proxy.name}`}`;
  try {
    return await open(options, address, clock);
  } catch (error) {
    if (mayBeTls(options, error) && (await speaksTls(new URL(options.url), clock))) {
      throw dialFailed(address, error, "isTls");
    }
    throw error;
  }
}

/** Servers that speak TLS cut a request without it, or answer it with 400 or an alert. */
function mayBeTls({ url, proxy, signal }: DialOptions, error: unknown): boolean {
  if (!url.startsWith("ws:") || proxy !== undefined || signal?.aborted === true) return false;
  const { status, refusal, failure } = error instanceof CodedError ? error.facts : {};
  return failure === "cutOff" || failure === "other" || (status === 400 && refusal === undefined);
}

function open(options: DialOptions, address: string, clock: Clock): Promise<Socket> {
  return new Promise((resolve, reject) => {
    options.signal?.throwIfAborted();
    const ws = openClient(options, address, clock);
    let stream: Duplex | undefined;
    let refusal: CodedError | undefined;
    const giveUp = (): void => {
      settle(() => reject(options.signal?.reason));
      ws.terminate();
    };
    const settle = (finish: () => void): void => {
      cancelTimer();
      options.signal?.removeEventListener("abort", giveUp);
      finish();
    };
    const cancelTimer = clock.schedule(options.connectTimeoutMs, () => {
      settle(() => reject(refusal ?? dialTimedOut(address, options.connectTimeoutMs)));
      ws.terminate();
    });
    options.signal?.addEventListener("abort", giveUp, { once: true });
    ws.on("upgrade", (response) => {
      stream = response.socket;
    });
    ws.on("unexpected-response", (request, response) => {
      refusal = dialRefused(address, response, undefined, clock);
      readRefusal(response, (body) => {
        settle(() => reject(dialRefused(address, response, body, clock)));
        request.destroy();
        ws.terminate();
      });
    });
    // What went wrong with the proxy is told by the tunnel.
    const told = (cause: unknown): CodedError => (cause instanceof CodedError ? cause : dialFailed(address, cause));
    ws.on("error", (cause) => settle(() => reject(refusal ?? told(cause))));
    ws.on("open", () => settle(() => resolve(new WsSocket(ws, stream))));
  });
}

function openClient(options: DialOptions, address: string, clock: Clock): TextWebSocket {
  const { url, proxy } = options;
  const isSecure = url.startsWith("wss:");
  try {
    return new TextWebSocket(url, [options.subprotocol], {
      headers: { ...options.headers },
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: options.maxPayloadBytes,
      // One of its own: the global one can be told other things by the environment.
      agent: proxy !== undefined && tunnelAgent(proxy, isSecure ? "https:" : "http:", {}, clock),
      ...(isSecure ? trusting(options.caCertificates) : {}),
      rejectUnauthorized: true,
      ...CLOSE_GRACE,
    });
  } catch (cause) {
    throw dialFailed(address, cause);
  }
}
