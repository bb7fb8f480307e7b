import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { MessageBodies } from "../protocol/messages.ts";
import { FlightControl } from "./flight-control.ts";
import type { LogWindow } from "./log-window.ts";
import type { Outbox } from "./outbox.ts";
import type { LogChunk, RunnerSide } from "./runner-side.ts";

/** What the pump needs of its session. */
export interface PumpOptions {
  readonly outbox: Outbox;
  readonly window: LogWindow;
  readonly side: Pick<RunnerSide, "acknowledged">;
  readonly clock: Clock;
  readonly log: Log;
  /** Answers the frame's length. @throws CodedError when the frame can't be written */
  readonly send: <T extends "run.update" | "run.log">(type: T, seq: number, body: MessageBodies[T]) => number;
  /** Told how long the gateway took to answer or acknowledge something. */
  readonly onRoundTrip?: (ms: number) => void;
  /** The log source failed. */
  readonly onFailure: (error: unknown) => void;
}

/** Sends the updates of one session: states first, then logs, as many as the line carries without a queue. */
export class Pump {
  readonly #options: PumpOptions;
  #state: "held" | "idle" | "busy" | "stopped" = "held";
  #logsMayFlow = false;
  #again = false;
  #seq = 0;
  readonly #flight: FlightControl;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.#flight = new FlightControl(options.clock, options.onRoundTrip);
  }

  /** The gateway answered something after this time. */
  noteRoundTrip(ms: number): void {
    this.#flight.noteRoundTrip(ms);
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
    this.#flight.acknowledge(seq);
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
    const { window } = this.#options;
    while (this.#sendStates() && this.#logsMayFlow && window.hasRoom) {
      const { pieceBytes } = this.#flight;
      if (!this.#flight.hasRoom("log", pieceBytes)) return;
      const chunk = await window.pull(pieceBytes);
      if (chunk === undefined || this.#stopped()) return;
      this.#sendStates();
      this.#sendChunk(chunk);
    }
  }

  /** False when some have to wait for an acknowledgement. */
  #sendStates(): boolean {
    const { outbox, send, log } = this.#options;
    for (let report = outbox.next(); report !== undefined; report = outbox.next()) {
      if (this.#stopped() || !this.#flight.hasRoom("state", 1)) return false;
      try {
        const bytes = send("run.update", this.#seq + 1, report);
        outbox.sent(++this.#seq);
        this.#flight.sent("state", this.#seq, bytes);
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
    this.#options.send("run.log", this.#seq + 1, chunk);
    const bytes = this.#options.window.sent(++this.#seq, chunk);
    this.#flight.sent("log", this.#seq, bytes);
  }

  #stopped(): boolean {
    return this.#state === "stopped";
  }
}
