import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { onTestFinished } from "vitest";

/** How a forward proxy of a test behaves. */
export interface ForwardProxyOptions {
  /** Everything is tunnelled to this local port; that of the request by default, also on this machine, whatever the host. */
  readonly targetPort?: number;
  /** `user:password` that is asked for. */
  readonly credentials?: string;
  /** TLS with whoever asks. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** Answers each CONNECT with this in place of a tunnel; an empty text: with nothing at all. */
  readonly answer?: string;
}

/** A real forward proxy that ends with the test. */
export interface ForwardProxy {
  readonly port: number;
  /** Without scheme. */
  readonly address: string;
  /** What it was asked to connect to. */
  readonly asked: readonly string[];
}

/** Starts one. */
export async function startForwardProxy(options: ForwardProxyOptions = {}): Promise<ForwardProxy> {
  const asked: string[] = [];
  const sockets = new Set<Duplex>();
  const server = options.tls === undefined ? createServer() : createTlsServer(options.tls);
  server.on("connect", (request: IncomingMessage, near: Duplex) => {
    asked.push(request.url ?? "");
    sockets.add(near);
    near.on("error", () => undefined);
    if (options.answer !== undefined) {
      if (options.answer !== "") near.end(options.answer);
      return;
    }
    const { credentials } = options;
    const wanted = `Basic ${Buffer.from(credentials ?? "").toString("base64")}`;
    if (credentials !== undefined && request.headers["proxy-authorization"] !== wanted) {
      near.end("HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=test\r\n\r\n");
      return;
    }
    const port = options.targetPort ?? Number(/:(\d+)$/.exec(request.url ?? "")?.[1]);
    const far: Socket = connect(port, "127.0.0.1", () => near.write("HTTP/1.1 200 Fine\r\nVia: test\r\n\r\n"));
    sockets.add(far);
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
    near.pipe(far).pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { port, address: `127.0.0.1:${port}`, asked };
}
