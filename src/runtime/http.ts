import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import type { Clock } from "../base/clock.ts";
import { readNamedFile } from "./named-file.ts";
import { guardUpgrade, type RawSocket } from "./socket-refusal.ts";

/** A request as the runtime hands it over; `headers` have lower-case names. */
export type HttpRequest = IncomingMessage;
/** The answer to a request, written piece by piece. */
export type HttpResponse = ServerResponse;

/** What a listener needs. */
export interface HttpListenOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
  readonly handle: (request: HttpRequest, response: HttpResponse) => void | Promise<void>;
  /** Takes over connections that ask for an upgrade; without it they are cut. */
  readonly upgrade?: (request: HttpRequest, socket: RawSocket, head: Uint8Array) => void;
  /** PEM files; without them the listener speaks plain HTTP. */
  readonly tls?: { readonly certFile: string; readonly keyFile: string };
  readonly clock: Clock;
}

/** A listener at work. */
export interface HttpListener {
  readonly port: number;
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** Takes no more connections, lets requests end, and cuts what is still open after `limitMs`. */
  close(limitMs: number): Promise<void>;
}

/** Bounds of one connection, so that a slow or silent client can't hold a place for ever. Milliseconds. */
const LIMITS: ServerOptions = {
  headersTimeout: 15_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 20_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: 32_768,
};

/**
 * Listens for HTTP, or HTTPS with `tls`. Resolves once connections are taken.
 * @throws the runtime's error when the address can't be used (`EADDRINUSE`, `EACCES`) or the TLS files can't be read
 */
export async function listenHttp(options: HttpListenOptions): Promise<HttpListener> {
  const unanswered = new Set<ServerResponse>();
  const server = await createListener(options, (request, response) => {
    unanswered.add(response);
    response.once("close", () => unanswered.delete(response));
    Promise.resolve(options.handle(request, response)).catch(() => response.destroy());
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Uint8Array) => {
    guardUpgrade(socket);
    if (options.upgrade === undefined) socket.destroy();
    else options.upgrade(request, socket, head);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  const { port } = server.address() as AddressInfo;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return {
    port,
    url: `${options.tls === undefined ? "http" : "https"}://${host}:${port}`,
    close: (limitMs) => closeListener(server, unanswered, options.clock, limitMs),
  };
}

/** The address of the other end, for counting and for the log. */
export function peerAddress(request: HttpRequest): string {
  return request.socket.remoteAddress ?? "unknown";
}

async function createListener(
  options: HttpListenOptions,
  listener: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Server> {
  if (options.tls === undefined) return createServer(LIMITS, listener);
  const [cert, key] = await Promise.all([readPem(options.tls.certFile), readPem(options.tls.keyFile)]);
  return createTlsServer({ ...LIMITS, cert, key, minVersion: "TLSv1.2" }, listener);
}

/** @throws an error with the file's `path` */
async function readPem(path: string): Promise<string> {
  const { text, state, cause } = await readNamedFile(path);
  if (text === undefined) throw Object.assign(new Error(`${path} ${state}`, { cause }), { path });
  return text;
}

/** Connections that were upgraded belong to whoever took them over and are not waited for. */
async function closeListener(
  server: Server,
  unanswered: ReadonlySet<ServerResponse>,
  clock: Clock,
  limitMs: number,
): Promise<void> {
  server.close();
  server.closeIdleConnections();
  const answered = [...unanswered].map((response) => new Promise<void>((done) => response.once("close", done)));
  await new Promise<void>((resolve) => {
    const cancel = clock.schedule(limitMs, resolve);
    Promise.all(answered).then(() => {
      cancel();
      resolve();
    });
  });
  server.closeAllConnections();
}
