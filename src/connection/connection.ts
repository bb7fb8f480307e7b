import { sleep } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { MessageBodies, RunReport } from "../protocol/messages.ts";
import type { Socket } from "../runtime/socket.ts";
import { type DialGatewayOptions, dialGateway } from "./dial-gateway.ts";
import { helloOf, type RunnerFacts } from "./hello.ts";
import { LogWindow } from "./log-window.ts";
import type { OnOperation } from "./operations.ts";
import { Outbox, type OutboxStats } from "./outbox.ts";
import { type Ending, endingByName, RetryPlan } from "./retry.ts";
import type { ConnectionState, ConnectionStatus, RunnerSide } from "./runner-side.ts";
import { Session } from "./session.ts";
import { TokenReader } from "./token-reader.ts";

export type { RunnerFacts } from "./hello.ts";

/** What a connection stands on. */
export interface ConnectionOptions extends DialGatewayOptions {
  readonly runner: RunnerFacts;
  readonly side: RunnerSide;
  readonly log: Log;
  /** No redial comes sooner than this. */
  readonly reconnectFloorMs: number;
  /** Told what the gateway says at the beginning of each session, before anything else of it is acted upon; must not throw. */
  readonly onWelcome?: (welcome: MessageBodies["welcome"]) => void;
  /** Told at each change, at once; must not throw. */
  readonly onStatus?: (status: ConnectionStatus) => void;
  /** Told of each verdict sent, at once; must not throw. */
  readonly onOperation?: OnOperation;
  /** Told how long the gateway took to answer or acknowledge something, at once; must not throw. */
  readonly onRoundTrip?: (ms: number) => void;
}

/** Numbers for metrics. */
export interface ConnectionStats extends OutboxStats {
  /** Dials since the start. */
  readonly dials: number;
  readonly unacknowledgedLogBytes: number;
  /** Since the last byte from the gateway; undefined before the first. */
  readonly silentMs: number | undefined;
  /** Ends that led to another dial, by reason: a close name or `disconnected`. */
  readonly reconnects: ReadonlyMap<string, number>;
  /** Server time - own time at the last welcome; undefined before the first. */
  readonly clockOffsetMs: number | undefined;
  /** Verdicts sent, by outcome. */
  readonly verdicts: ReadonlyMap<string, number>;
}

/** The runner's line to its gateway. It redials until it is closed, or until the gateway retires the runner. */
export interface Connection {
  start(): void;
  /** Takes a run's newest state; it is kept until the gateway has stored it. Never throws. */
  put(report: RunReport): void;
  /** Logs may be available. */
  wake(): void;
  status(): ConnectionStatus;
  stats(): ConnectionStats;
  /** What the runner greets with has changed: a session that stands is begun anew. */
  greetAnew(): void;
  /** Waits up to `limitMs` until the states of a standing session are acknowledged, then says goodbye. Safe to call twice. */
  close(name: "normal", limitMs: number): Promise<void>;
}

/** From the close frame to the end of the socket; the library ends it after three seconds by itself. */
const GOODBYE_MS = 4_000;

/** While the token is refused, this often on average it is looked whether there is another one. */
const TOKEN_LOOK_MS = 10_000;

/** Makes a connection; it does nothing before `start`. */
export function createConnection(options: ConnectionOptions): Connection {
  return new GatewayConnection(options);
}

class GatewayConnection implements Connection {
  readonly #options: ConnectionOptions;
  readonly #outbox = new Outbox();
  readonly #window: LogWindow;
  readonly #plan: RetryPlan;
  readonly #token: TokenReader;
  readonly #closing = new AbortController();
  #loop: Promise<void> | undefined;
  #session: Session | undefined;
  #status: ConnectionStatus = { state: "idle", epoch: 0 };
  /** Superseded by a newer process: whatever happens, it stays on standby until the gateway gives it the session. */
  #standby = false;
  #greetsAnew = false;
  #readySince: number | undefined;
  #aliveAt: number | undefined;
  #dials = 0;
  readonly #reconnects = new Map<string, number>();
  readonly #verdicts = new Map<string, number>();
  #clockOffsetMs: number | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#window = new LogWindow(options.side.logs);
    this.#token = new TokenReader(options.token, options.clock);
    this.#plan = new RetryPlan(options.clock, options.reconnectFloorMs);
  }

  start(): void {
    if (!this.#closing.signal.aborted) this.#loop ??= this.#run();
  }

  put(report: RunReport): void {
    this.#outbox.put(report);
    this.#session?.nudge();
  }

  wake(): void {
    this.#session?.nudge();
  }

  greetAnew(): void {
    if (this.#session === undefined || this.#closing.signal.aborted) return;
    this.#greetsAnew = true;
    this.#session.close("normal", "the runner greets anew");
  }

  status(): ConnectionStatus {
    return this.#status;
  }

  stats(): ConnectionStats {
    const silentMs = this.#aliveAt === undefined ? undefined : this.#options.clock.monotonic() - this.#aliveAt;
    return {
      ...this.#outbox.stats(),
      dials: this.#dials,
      unacknowledgedLogBytes: this.#window.unacknowledgedBytes,
      silentMs,
      reconnects: this.#reconnects,
      clockOffsetMs: this.#clockOffsetMs,
      verdicts: this.#verdicts,
    };
  }

  close(name: "normal", limitMs: number): Promise<void> {
    this.#closed ??= this.#close(name, limitMs);
    return this.#closed;
  }

  async #close(name: "normal", limitMs: number): Promise<void> {
    this.#closing.abort();
    const session = this.#session;
    if (session !== undefined) {
      await this.#flush(session, limitMs);
      session.close(name, "the runner shuts down");
      await this.#within(GOODBYE_MS, session.socketClosed);
    }
    await this.#within(GOODBYE_MS, this.#loop ?? Promise.resolve());
    this.#tell("closed", this.#status.state === "closed" ? this.#status.reason : name);
  }

  /** The loop of the connection's life: dial, hold a session, wait, dial again. */
  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const ended = await this.#attempt();
      if (signal.aborted) return;
      const ending = this.#greetsAnew ? endingByName("goingAway", "the runner greets anew") : ended;
      this.#greetsAnew = false;
      if (ending.retry === "never") {
        log.error("The gateway ends this runner's work for good; not dialling again", logFields(ending));
        this.#tell("closed", ending.reason);
        return;
      }
      if (ending.reason === "superseded") this.#standby = true;
      const readyForMs = this.#readySince === undefined ? 0 : clock.monotonic() - this.#readySince;
      const delayMs = this.#plan.delayAfter(ending, readyForMs);
      const loud = ending.retry === "slow" && !this.#standby;
      const fields = { ...logFields(ending), retryInSeconds: Math.round(delayMs / 100) / 10 };
      if (loud) log.error("The gateway refuses this runner; trying again rarely", fields);
      else log.warn(this.#standby ? "Standing by for another process" : "Not connected to the gateway", fields);
      this.#tell("waiting", ending.reason);
      count(this.#reconnects, ending.reason);
      await this.#pause(delayMs, ending).catch(() => undefined);
    }
  }

  /** Waits before the next dial; after a refused token also until there is another one. Rejects when the connection closes. */
  async #pause(delayMs: number, ending: Ending): Promise<void> {
    const { clock, log, reconnectFloorMs } = this.#options;
    const { signal } = this.#closing;
    const newTokenHelps = ending.reason === "unauthorized" && ending.retryAfterSeconds === undefined;
    const end = clock.monotonic() + delayMs;
    for (let left = delayMs; left > 0; left = end - clock.monotonic()) {
      const look = Math.max(reconnectFloorMs, TOKEN_LOOK_MS * (0.5 + clock.random()));
      await sleep(clock, newTokenHelps ? Math.min(left, look) : left, signal);
      if (newTokenHelps && (await this.#token.hasChanged())) return log.info("There is another token; dialling again");
    }
  }

  /** One dial and, when it succeeds, one session from hello to its end. Never throws. */
  async #attempt(): Promise<Ending> {
    this.#readySince = undefined;
    this.#tell("dialing", this.#status.reason);
    this.#dials += 1;
    const dialled = await dialGateway(this.#options, this.#token, this.#closing.signal);
    if ("ending" in dialled) return dialled.ending;
    const { socket } = dialled;
    if (this.#closing.signal.aborted) {
      socket.close(1000, "");
      return endingByName("normal", "closed while dialling");
    }
    this.#tell("greeting", this.#status.reason);
    const session = this.#openSession(socket);
    this.#session = session;
    const ending = await session.ended;
    this.#session = undefined;
    return ending;
  }

  #openSession(socket: Socket): Session {
    const { side, clock, log } = this.#options;
    this.#aliveAt = clock.monotonic();
    return new Session({
      socket,
      hello: helloOf(this.#options.runner, this.#standby),
      side,
      outbox: this.#outbox,
      window: this.#window,
      clock,
      log,
      onWelcome: (welcome, clockOffsetMs) => {
        this.#standby = false;
        this.#clockOffsetMs = clockOffsetMs;
        this.#options.onWelcome?.(welcome);
        this.#tell("greeting", this.#status.reason, welcome.epoch);
      },
      onSpread: (seconds) => this.#plan.spreadOver(seconds),
      onReady: () => {
        this.#readySince = clock.monotonic();
        this.#tell("ready", undefined);
      },
      onAlive: () => {
        this.#aliveAt = clock.monotonic();
      },
      onOperation: (type, outcome, tookMs, reason) => {
        count(this.#verdicts, outcome);
        this.#options.onOperation?.(type, outcome, tookMs, reason);
      },
      onRoundTrip: (ms) => this.#options.onRoundTrip?.(ms),
    });
  }

  async #flush(session: Session, limitMs: number): Promise<void> {
    session.nudge();
    await this.#within(limitMs, Promise.race([this.#outbox.emptied(), session.ended]));
    const { unacknowledged } = this.#outbox.stats();
    if (unacknowledged > 0) this.#options.log.warn("Closing with states not yet acknowledged", { unacknowledged });
  }

  /** Waits for `work`, but not longer than the limit. */
  async #within(limitMs: number, work: Promise<unknown>): Promise<void> {
    const limit = new AbortController();
    const timeout = sleep(this.#options.clock, limitMs, limit.signal).catch(() => undefined);
    await Promise.race([work, timeout]);
    limit.abort();
  }

  #tell(state: ConnectionState, reason: string | undefined, epoch: number = this.#status.epoch): void {
    const shown = this.#standby && state !== "closed" ? "standby" : state;
    const next: ConnectionStatus = { state: shown, epoch, ...(reason === undefined ? {} : { reason }) };
    const { state: was, epoch: wasEpoch, reason: wasReason } = this.#status;
    if (was === next.state && wasEpoch === epoch && wasReason === reason) return;
    this.#status = next;
    this.#options.onStatus?.(next);
  }
}

function count(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function logFields(ending: Ending): Readonly<Record<string, unknown>> {
  return { reason: ending.reason, found: ending.message, next: ending.advice };
}
