import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { onTestFinished } from "vitest";

/** A line that can go dead the way real ones do: not closed, just silent. */
export class TcpProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  #forwards = true;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => {
      const far = connect(targetPort, "127.0.0.1");
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      this.#join(near, far, pair);
      this.#join(far, near, pair);
    });
  }

  /** Starts one in front of a local port; it ends with the test. */
  static async start(targetPort: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => proxy.stop());
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
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
    from.on("data", (data) => to.write(data));
    from.on("close", () => {
      to.destroy();
      this.#pairs.delete(pair);
    });
  }
}
