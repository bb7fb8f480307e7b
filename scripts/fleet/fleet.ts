import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { Sensitive } from "../../src/base/sensitive.ts";
import { type Connection, createConnection } from "../../src/connection/connection.ts";
import type { RunnerSide } from "../../src/connection/runner-side.ts";

/** A runner that has nothing and does nothing. */
const IDLE: RunnerSide = {
  inventory: async () => ({ pipelines: [], runs: [] }),
  compare: async () => ({ fetch: [], deleted: 0, orphans: [] }),
  operate: async () => ({ outcome: "accepted" }),
  acknowledged: () => undefined,
  logs: { next: async () => undefined, rewind: () => undefined, acknowledged: () => undefined },
};

/** Many runners' connections in one process, and when they dialled, were greeted, and were in step. Times are `performance.now()`. */
export class Fleet {
  dialledAt: number[] = [];
  greetedAt: number[] = [];
  readonly #url: string;
  readonly #token: Sensitive;
  readonly #connections: Connection[] = [];
  readonly #readyAt = new Map<number, number>();

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = new Sensitive(token);
  }

  async start(runners: number, perSecond: number): Promise<void> {
    for (let number = 0; number < runners; number++) {
      const connection = this.#create(number);
      this.#connections.push(connection);
      connection.start();
      await new Promise((resolve) => setTimeout(resolve, 1000 / perSecond));
    }
  }

  /** Forgets the times so far. */
  forget(): void {
    this.dialledAt = [];
    this.greetedAt = [];
    this.#readyAt.clear();
  }

  /** When each runner was last in step, of those that were since `forget`. */
  readyAt(): number[] {
    return [...this.#readyAt.values()];
  }

  /** Waits until all are in step, and were so since `forget`. */
  async whole(limitMs: number): Promise<void> {
    const end = performance.now() + limitMs;
    while (this.#readyAt.size < this.#connections.length || !this.#allReady()) {
      if (performance.now() > end)
        throw new Error(`only ${this.#readyAt.size} runners are in step after ${limitMs} ms`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async end(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close("normal", 0)));
  }

  #allReady(): boolean {
    return this.#connections.every((connection) => connection.status().state === "ready");
  }

  #create(number: number): Connection {
    let epoch = 0;
    return createConnection({
      url: this.#url,
      token: async () => this.#token,
      runner: {
        runnerId: `fleet-${number}`,
        installationId: `place-${number}`,
        instanceId: crypto.randomUUID(),
        runnerVersion: "0.0.0-fleet",
        executor: "process",
        platform: "fleet",
        operations: ["run.start"],
        maxConcurrentRuns: 1,
      },
      reconnectFloorMs: 0,
      side: IDLE,
      clock: systemClock,
      log: silentLog,
      onStatus: (status) => {
        const now = performance.now();
        if (status.state === "dialing") this.dialledAt.push(now);
        if (status.epoch !== epoch) this.greetedAt.push(now);
        epoch = status.epoch;
        if (status.state === "ready") this.#readyAt.set(number, now);
      },
    });
  }
}
