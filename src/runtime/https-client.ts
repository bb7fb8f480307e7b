import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { Clock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { ProxyAddress } from "./proxy-address.ts";
import { tunnelAgent } from "./proxy-tunnel.ts";
import { addressOf, dialFailed, dialTimedOut } from "./socket-errors.ts";
import { publicCertificates } from "./trusted-certificates.ts";

/** How both ends of a TLS connection prove who they are. Texts are PEM. */
export interface TlsIdentity {
  /** Only what these vouch for is trusted; without them what the runtime and the system's store do. */
  readonly caCertificates?: readonly string[];
  /** Checked, and sent, in place of the address's host name. */
  readonly serverName?: string;
  /** True: whatever the server shows is taken. */
  readonly insecure?: boolean;
  readonly certificate?: string;
  readonly key?: string;
}

/** One server and how it is reached. */
export interface HttpsClientOptions {
  /** `https://host:port`, or `http://` where nothing secret is sent; a path is left aside. */
  readonly server: string;
  readonly tls: TlsIdentity;
  /** A proxy that is asked to CONNECT. */
  readonly proxy?: ProxyAddress;
  /** Connections that are kept open without work, at most. */
  readonly idleConnections: number;
  /** How long a connection is kept open without work. */
  readonly idleMs: number;
  readonly clock: Clock;
}

/** A request. */
export interface HttpsRequest {
  readonly method: string;
  /** Path with query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string;
  /** From now to the head of the answer: name, TCP, TLS and waiting together. */
  readonly answerWithinMs: number;
  /** Gives the request up, and the reading of its answer too. */
  readonly signal: AbortSignal;
}

/** The head of an answer, and its body as it comes. Whoever doesn't read the body to its end calls `discard`. */
export interface HttpsAnswer {
  readonly status: number;
  /** A header by its lower-case name. */
  header(name: string): string | undefined;
  /** Reads no faster than it is asked; throws when the connection is cut before the end, or with the signal's reason. */
  readonly body: AsyncIterable<Uint8Array>;
  /** Ends the connection. */
  discard(): void;
}

/** Connections to one server that are used again. */
export interface HttpsClient {
  /**
   * Sends a request and resolves with the head of the answer. Redirects are not followed.
   * @throws CodedError DialFailed (facts: `failure`; `cutOff`: the server may have had the request), DialTimedOut
   */
  request(request: HttpsRequest): Promise<HttpsAnswer>;
  /** Closes connections without work, for when they are suspected to be dead. */
  dropIdle(): void;
  /** Connections that are open now, with and without work. */
  readonly connections: number;
  /** Closes all connections; requests under way fail. */
  close(): void;
}

/** TCP asks for life after so much silence; a line that is cut without a word is noticed about 10 s later. */
const TCP_KEEPALIVE_MS = 10_000;

/** Makes a client for one server; nothing is opened before the first request. */
export function openHttpsClient(options: HttpsClientOptions): HttpsClient {
  const url = new URL(options.server);
  const agent = openAgent(options, url);
  const open = new Set<http.ClientRequest>();
  return {
    request: (request) => send(options, url, agent, open, request),
    dropIdle() {
      for (const sockets of Object.values(agent.freeSockets ?? {}))
        for (const socket of sockets ?? []) socket.destroy();
    },
    get connections() {
      return countSockets(agent.sockets) + countSockets(agent.freeSockets);
    },
    close() {
      for (const request of open) request.destroy(new Error("the client was closed"));
      agent.destroy();
    },
  };
}

function openAgent(options: HttpsClientOptions, url: URL): http.Agent {
  const { tls, clock } = options;
  const trusted = tls.caCertificates ?? publicCertificates();
  const agentOptions: https.AgentOptions = {
    keepAlive: true,
    keepAliveMsecs: TCP_KEEPALIVE_MS,
    maxFreeSockets: options.idleConnections,
    // The newest idle connection first: the others get old and are closed.
    scheduling: "lifo",
    timeout: options.idleMs,
    rejectUnauthorized: tls.insecure !== true,
    minVersion: "TLSv1.2",
    ...(trusted === undefined ? {} : { ca: [...trusted] }),
    ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
    ...(tls.key === undefined ? {} : { key: tls.key }),
    ...(tls.serverName === undefined ? {} : namedServer(tls.serverName)),
  };
  if (options.proxy !== undefined) return tunnelAgent(options.proxy, url.protocol, agentOptions, clock);
  return url.protocol === "http:" ? new http.Agent(agentOptions) : new https.Agent(agentOptions);
}

/** A name for SNI must not be an address (RFC 6066); the certificate is checked against it all the same. */
function namedServer(name: string): https.AgentOptions {
  if (isIP(name) === 0) return { servername: name };
  return { servername: "", checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate) };
}

function send(
  options: HttpsClientOptions,
  url: URL,
  agent: http.Agent,
  open: Set<http.ClientRequest>,
  request: HttpsRequest,
): Promise<HttpsAnswer> {
  const address = addressOf(options.server);
  return new Promise((resolve, reject) => {
    request.signal.throwIfAborted();
    const body = request.body === undefined ? undefined : new TextEncoder().encode(request.body);
    const sent = (url.protocol === "http:" ? http : https).request({
      agent,
      host: url.hostname.replace(/^\[|\]$/g, ""),
      port: url.port === "" ? undefined : Number(url.port),
      method: request.method,
      path: request.path,
      headers: { ...request.headers, ...(body === undefined ? {} : { "content-length": String(body.byteLength) }) },
    });
    open.add(sent);
    let why: unknown;
    const giveUp = (reason: unknown): void => {
      why ??= reason;
      sent.destroy(reason instanceof Error ? reason : new Error("given up"));
      reject(reason);
    };
    const onAbort = (): void => giveUp(request.signal.reason);
    request.signal.addEventListener("abort", onAbort, { once: true });
    const cancelLimit = options.clock.schedule(request.answerWithinMs, () => {
      giveUp(dialTimedOut(address, request.answerWithinMs));
    });
    sent.once("close", () => {
      cancelLimit();
      open.delete(sent);
      request.signal.removeEventListener("abort", onAbort);
      reject(why ?? dialFailed(address, new Error("socket hang up")));
    });
    sent.on("error", (cause) => reject(cause instanceof CodedError ? cause : (why ?? dialFailed(address, cause))));
    sent.once("response", (response) => {
      cancelLimit();
      resolve(answerOf(response, address, () => why));
    });
    sent.end(body);
  });
}

function answerOf(response: http.IncomingMessage, address: string, why: () => unknown): HttpsAnswer {
  response.on("error", () => undefined);
  return {
    status: response.statusCode ?? 0,
    header(name) {
      const value = response.headers[name];
      return Array.isArray(value) ? value.join(", ") : value;
    },
    body: read(response, address, why),
    discard: () => void response.destroy(),
  };
}

async function* read(
  response: http.IncomingMessage,
  address: string,
  why: () => unknown,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for await (const bytes of response) yield bytes;
  } catch (cause) {
    throw why() ?? dialFailed(address, cause);
  }
  if (!response.complete) throw why() ?? dialFailed(address, new Error("socket hang up"));
}

function countSockets(byName: NodeJS.ReadOnlyDict<readonly unknown[]> | undefined): number {
  return Object.values(byName ?? {}).reduce((sum, sockets) => sum + (sockets?.length ?? 0), 0);
}
