import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A request as it came. */
export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  readonly socket: Socket;
}

/** Answers one request. */
export type Handler = (seen: Seen, response: ServerResponse) => void | Promise<void>;

/** A server whose every answer the test decides. */
export interface ScriptedServer {
  readonly url: string;
  readonly port: number;
  readonly seen: readonly Seen[];
  /** Connections that are open now. */
  readonly connections: () => number;
  handle: Handler;
}

/** Starts one; it ends with the test. */
export async function startApiServer(handle: Handler, tls?: ServerOptions): Promise<ScriptedServer> {
  const seen: Seen[] = [];
  const sockets = new Set<Socket>();
  const scripted = { handle };
  const listener = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = "";
    for await (const part of request) body += part;
    const url = new URL(request.url ?? "", "http://server");
    const one: Seen = {
      method: request.method ?? "",
      path: url.pathname,
      query: url.searchParams,
      headers: request.headers,
      body,
      socket: request.socket,
    };
    seen.push(one);
    await scripted.handle(one, response);
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.on(tls === undefined ? "connection" : "secureConnection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return Object.assign(scripted, {
    port,
    url: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    seen,
    connections: () => sockets.size,
  });
}

/** Sends JSON. */
export function answer(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

/** Sends a Status, as the API server does. */
export function refuse(
  response: ServerResponse,
  code: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): void {
  answer(response, code, { kind: "Status", apiVersion: "v1", status: "Failure", code, reason, message }, headers);
}

/** Begins a watch; the answer sends events. */
export function beginWatch(response: ServerResponse): (type: string, object: unknown) => void {
  response.writeHead(200, { "content-type": "application/json" });
  response.flushHeaders();
  return (type, object) => void response.write(`${JSON.stringify({ type, object })}\n`);
}

/** A ConfigMap as the server would send it. */
export function configMap(name: string, resourceVersion: number, more: Record<string, unknown> = {}): unknown {
  const metadata = {
    name,
    uid: `uid-${name}`,
    resourceVersion: String(resourceVersion),
    managedFields: [{ manager: "test" }],
  };
  return { apiVersion: "v1", kind: "ConfigMap", metadata, ...more };
}

/** A list as the server sends it: without version and kind in its items. */
export function listOf(items: readonly unknown[], resourceVersion: number, next?: string): unknown {
  const bare = items.map((item) => ({ ...(item as object), apiVersion: undefined, kind: undefined }));
  const metadata = { resourceVersion: String(resourceVersion), ...(next === undefined ? {} : { continue: next }) };
  return { kind: "ConfigMapList", apiVersion: "v1", metadata, items: bare };
}
