import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { MessageBodies } from "../protocol/messages.ts";
import type { LogWindow } from "./log-window.ts";
import type { Outbox } from "./outbox.ts";
import type { LogChunk, RunnerSide } from "./runner-side.ts";

/**
 * Above this many bytes that the operating system hasn't taken, logs wait: on a slow line they would stand in front of
 * heartbeats and verdicts.
 */
const LOG_BACKLOG_BYTES = 65_536;
/** States go first, but a thousand of them with long failures needn't all be in memory as text. */
const STATE_BACKLOG_BYTES = 1_048_576;
const BACKLOG_CHECK_MS = 100;

/** What the pump needs of its session. */
export interface PumpOptions {
  readonly outbox: Outbox;
  readonly window: LogWindow;
  readonly side: Pick<RunnerSide, "acknowledged">;
  readonly clock: Clock;
  readonly log: Log;
  readonly bufferedBytes: () => number;
  /** @throws CodedError when the frame can't be written */
  readonly send: <T extends "run.update" | "run.log">(type: T, seq: number, body: MessageBodies[T]) => void;
  /** The log source failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Sends the updates of one session: states first, then logs as long as there is room for them. */
export class Pump {
  readonly #options: PumpOptions;
  #state: "held" | "idle" | "busy" | "stopped" = "held";
  #logsMayFlow = false;
  #again = false;
  #seq = 0;
  #cancelCheck: (() => void) | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
  }

  /** The inventory is sent: from now on states may flow, all that are unacknowledged first. */
  openStates(): void {
    this.#options.outbox.rewind();
    if (this.#state === "held") this.#state = "idle";
    this.nudge();
  }

  /** The log source stands where the gateway wants it: from now on logs may flow too. */
  openLogs(): void {
    this.#logsMayFlow = true;
    this.nudge();
  }

  /** There may be something to send. */
  nudge(): void {
    if (this.#state === "busy") this.#again = true;
    if (this.#state !== "idle") return;
    this.#state = "busy";
    void this.#work();
  }

  /** Takes a cumulative acknowledgement; false when it names a number that was never sent. */
  acknowledge(seq: number): boolean {
    if (seq > this.#seq) return false;
    const { outbox, window, side, log } = this.#options;
    for (const report of outbox.acknowledge(seq)) {
      try {
        side.acknowledged(report);
      } catch (error) {
        log.error("The runner failed to note an acknowledged state", { runId: report.runId, error });
      }
    }
    window.acknowledge(seq);
    this.nudge();
    return true;
  }

  stop(): void {
    this.#state = "stopped";
    this.#cancelCheck?.();
  }

  async #work(): Promise<void> {
    do {
      this.#again = false;
      try {
        await this.#sendAll();
      } catch (error) {
        if (!this.#stopped()) this.#options.onFailure(error);
      }
    } while (this.#again && !this.#stopped());
    if (!this.#stopped()) this.#state = "idle";
  }

  /** Each chunk waits for the states that came up while it was pulled. */
  async #sendAll(): Promise<void> {
    const { window, bufferedBytes } = this.#options;
    while (this.#sendStates() && this.#logsMayFlow && window.hasRoom) {
      if (bufferedBytes() > LOG_BACKLOG_BYTES) return this.#checkLater();
      const chunk = await window.pull();
      if (chunk === undefined || this.#stopped()) return;
      this.#sendStates();
      this.#sendChunk(chunk);
    }
  }

  /** False when it had to leave some for later. */
  #sendStates(): boolean {
    const { outbox, bufferedBytes, send, log } = this.#options;
    for (let report = outbox.next(); report !== undefined; report = outbox.next()) {
      if (this.#stopped()) return false;
      if (bufferedBytes() > STATE_BACKLOG_BYTES) {
        this.#checkLater();
        return false;
      }
      try {
        send("run.update", this.#seq + 1, report);
        outbox.sent(++this.#seq);
      } catch (error) {
        outbox.setAside();
        log.error("Cannot tell a run's state: the report can't be written as a frame", {
          runId: report.runId,
          state: report.state,
          error: describeError(error),
        });
      }
    }
    return !this.#stopped();
  }

  #sendChunk(chunk: LogChunk): void {
    const { runId, offset, text } = chunk;
    this.#options.send("run.log", this.#seq + 1, { runId, offset, text });
    this.#options.window.sent(++this.#seq, chunk);
  }

  /** The socket doesn't tell when its backlog has gone, so it is looked at. */
  #checkLater(): void {
    this.#cancelCheck?.();
    this.#cancelCheck = this.#options.clock.schedule(BACKLOG_CHECK_MS, () => this.nudge());
  }

  #stopped(): boolean {
    return this.#state === "stopped";
  }
}
