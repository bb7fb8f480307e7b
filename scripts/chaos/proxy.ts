import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** A line that can be cut, or go dead without a word. */
export class LineProxy {
  readonly #server: Server;
  readonly #pairs = new Set<readonly [Socket, Socket]>();
  /** While false, new lines are reset at once. */
  accepts = true;

  private constructor(targetPort: number) {
    this.#server = createServer((near) => {
      near.on("error", () => undefined);
      if (!this.accepts) {
        near.resetAndDestroy();
        return;
      }
      const far = connect(targetPort, "127.0.0.1");
      const pair = [near, far] as const;
      this.#pairs.add(pair);
      join(near, far, () => this.#pairs.delete(pair));
      join(far, near, () => this.#pairs.delete(pair));
    });
  }

  /** Starts one in front of a local port. */
  static async start(targetPort: number): Promise<LineProxy> {
    const proxy = new LineProxy(targetPort);
    await new Promise<void>((resolve) => proxy.#server.listen(0, "127.0.0.1", resolve));
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Resets all open lines; answers how many. */
  cut(): number {
    const count = this.#pairs.size;
    for (const pair of this.#pairs) for (const socket of pair) socket.resetAndDestroy();
    this.#pairs.clear();
    return count;
  }

  /** The lines that are open now swallow everything, FIN included; later ones work. Answers how many. */
  swallow(): number {
    for (const pair of this.#pairs) {
      for (const socket of pair) {
        socket.removeAllListeners("data").removeAllListeners("close");
        socket.on("data", () => undefined);
        socket.on("close", () => this.#pairs.delete(pair));
      }
    }
    return this.#pairs.size;
  }

  async stop(): Promise<void> {
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

function join(from: Socket, to: Socket, closed: () => void): void {
  from.on("error", () => undefined);
  from.on("data", (data) => {
    if (!to.write(data)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("close", () => {
    to.destroy();
    closed();
  });
}
