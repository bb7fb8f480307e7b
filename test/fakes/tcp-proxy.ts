import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** How a proxy of this kind is set up. */
export interface TcpProxyOptions {
  /** Where it listens; 127.0.0.1 by default. */
  readonly host?: string;
  /** A free one by default. */
  readonly port?: number;
  /** Where the line leads; 127.0.0.1 by default. */
  readonly targetHost?: string;
  /** Each byte arrives so much later, in both directions. */
  readonly latencyMs?: number;
}

/** A line that can go dead the way real ones do: not closed, just silent. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #forwards = true;

  readonly #latencyMs: number;

  private constructor(targetPort: number, { targetHost = "127.0.0.1", latencyMs = 0 }: TcpProxyOptions) {
    this.#latencyMs = latencyMs;
    this.#server = createServer((near) => {
      const far = connect(targetPort, targetHost);
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      this.#join(near, far, pair);
      this.#join(far, near, pair);
    });
  }

  /** Starts one in front of a local port; it ends with the test. */
  static async start(targetPort: number, options: TcpProxyOptions = {}): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort, options);
    await new Promise<void>((resolve) => proxy.#server.listen(options.port ?? 0, options.host ?? "127.0.0.1", resolve));
    onTestFinished(() => proxy.stop());
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** How many lines are open. */
  get lines(): number {
    return this.#pairs.size;
  }

  /** The lines that are open now swallow everything, in both directions and without an end, FIN included. Later ones work. */
  swallow(): void {
    for (const [near, far] of this.#pairs) {
      for (const socket of [near, far]) {
        socket.removeAllListeners("data");
        socket.removeAllListeners("close");
        socket.on("data", () => undefined);
      }
    }
  }

  /** Resets all open lines. */
  cut(): void {
    for (const [near, far] of this.#pairs) {
      near.resetAndDestroy();
      far.resetAndDestroy();
    }
    this.#pairs.clear();
  }

  /** While false, new lines are reset at once. */
  set accepts(accepts: boolean) {
    this.#forwards = accepts;
  }

  async stop(): Promise<void> {
    for (const [near, far] of this.#pairs) {
      near.destroy();
      far.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #join(from: Socket, to: Socket, pair: readonly [Socket, Socket]): void {
    if (!this.#forwards) from.destroy();
    from.on("error", () => undefined);
    from.on("data", (data) => this.#later(() => to.write(data)));
    from.on("close", () => {
      this.#later(() => to.destroy());
      this.#pairs.delete(pair);
    });
  }

  /** Timers of one length fire in the order in which they were set. */
  #later(act: () => void): void {
    if (this.#latencyMs === 0) act();
    else setTimeout(act, this.#latencyMs);
  }
}
