import { clip } from "../base/clip.ts";
import type { Clock } from "../base/clock.ts";
import { CodedError, describeError, isKind } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { CLOSE_CODES, type CloseName } from "../protocol/close-codes.ts";
import { decodeFrame, encodeFrame, type Frame } from "../protocol/codec.ts";
import { PROTOCOL_ERRORS } from "../protocol/errors.ts";
import { LIMITS } from "../protocol/limits.ts";
import type { MessageBodies, MessageType } from "../protocol/messages.ts";
import { PROTOCOL_VERSIONS, REFUSAL_CATEGORY_SINCE } from "../protocol/version.ts";
import type { Socket } from "../runtime/socket.ts";
import { Greeting } from "./greeting.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { LogWindow } from "./log-window.ts";
import { isOperation, type OnOperation, OperationDesk } from "./operations.ts";
import type { Outbox } from "./outbox.ts";
import { Pump } from "./pump.ts";
import { type Ending, endingByCode, endingByName } from "./retry.ts";
import type { RunnerSide } from "./runner-side.ts";
import { noteWelcome } from "./welcome.ts";

/** What a session stands on. */
export interface SessionOptions {
  readonly socket: Socket;
  readonly hello: MessageBodies["hello"];
  readonly side: RunnerSide;
  readonly outbox: Outbox;
  readonly window: LogWindow;
  readonly clock: Clock;
  readonly log: Log;
  /** The gateway has given this process the session. `clockOffsetMs` = server time - own time. */
  readonly onWelcome: (welcome: MessageBodies["welcome"], clockOffsetMs: number) => void;
  /** The gateway says over how many seconds the runners shall spread their return. */
  readonly onSpread: (seconds: number) => void;
  /** Both sides are in step. */
  readonly onReady: () => void;
  /** Bytes arrived. */
  readonly onAlive: () => void;
  readonly onOperation: OnOperation;
  /** Told how long the gateway took to answer or acknowledge something; must not throw. */
  readonly onRoundTrip?: (ms: number) => void;
}

/** One heartbeat may be late without the line being dead, whatever the gateway says. */
const LEAST_HEARTBEATS_IN_SILENCE = 2;
const MAX_REASON_CHARACTERS = 500;

/** One transport's life, from `hello` to the close: greets, hands frames on, keeps the line alive. */
export class Session {
  /** Resolves once, when the session is over for this side; the socket may need a moment longer. */
  readonly ended: Promise<Ending>;
  /** Resolves when the socket is closed too. */
  readonly socketClosed: Promise<void>;
  readonly #options: SessionOptions;
  readonly #pump: Pump;
  readonly #desk: OperationDesk;
  readonly #greeting: Greeting;
  readonly #resolveEnded: (ending: Ending) => void;
  readonly #helloAt: number;
  #heartbeat: Heartbeat | undefined;
  #cancelDeadline: () => void;
  #phase: "hello" | "greeting" | "ready" | "ended" = "hello";
  #epoch = 0;
  #version = 1;
  #clockOffsetMs = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
    const { socket, side, outbox, window, clock, log } = options;
    const ended = Promise.withResolvers<Ending>();
    const socketClosed = Promise.withResolvers<void>();
    this.ended = ended.promise;
    this.socketClosed = socketClosed.promise;
    this.#resolveEnded = ended.resolve;
    const onFailure = (error: unknown): void => this.#fail(error);
    const isOpen = (): boolean => this.#phase !== "ended";
    this.#pump = new Pump({
      outbox,
      window,
      side,
      clock,
      log,
      onFailure,
      send: (type, seq, body) => this.#send({ type, seq, body }),
      ...(options.onRoundTrip === undefined ? {} : { onRoundTrip: options.onRoundTrip }),
    });
    this.#desk = new OperationDesk({
      side,
      clock,
      onOperation: options.onOperation,
      clockOffsetMs: () => this.#clockOffsetMs,
      reply: (body) => this.#send({ type: "verdict", body: asOfVersion(body, this.#version) }),
      onFailure,
    });
    this.#greeting = new Greeting({
      side,
      window,
      log,
      isOpen,
      onFailure,
      send: (type, body) => this.#send({ type, body }),
      onInventory: () => this.#pump.openStates(),
      onInStep: () => this.#becomeReady(),
    });
    this.#cancelDeadline = this.#deadline(LIMITS.greetingSeconds, "the gateway did not answer hello");
    socket.onText = (text) => this.#receive(text);
    socket.onAlive = () => {
      this.#heartbeat?.alive();
      options.onAlive();
    };
    socket.onClose = (code, reason) => {
      socketClosed.resolve();
      this.#end(endingByCode(code, reason));
    };
    this.#helloAt = clock.monotonic();
    this.#attempt(() => this.#send({ type: "hello", body: options.hello }));
  }

  /** There may be something to send. */
  nudge(): void {
    this.#pump.nudge();
  }

  /** Tells the gateway why, closes the socket and ends the session. */
  close(name: CloseName, message: string): void {
    if (this.#phase === "ended") return;
    const reason = clip(message, MAX_REASON_CHARACTERS);
    this.#send({ type: "close", body: { name, reason } });
    this.#end(endingByName(name, message));
    this.#options.socket.close(CLOSE_CODES[name].code, reason);
  }

  #receive(text: string): void {
    if (this.#phase === "ended") return;
    try {
      this.#dispatch(decodeFrame(text, "down"));
    } catch (error) {
      if (isKind(error, PROTOCOL_ERRORS.FrameTooLarge)) this.close("frameTooLarge", error.message);
      else if (error instanceof CodedError) this.close("badFrame", error.message);
      else this.#fail(error);
    }
  }

  #dispatch(frame: Frame): void {
    if (frame.type === "close") {
      this.#onClose(frame.body);
    } else if (frame.type === "welcome") {
      this.#onWelcome(frame.body);
    } else if (this.#phase === "hello") {
      this.close("badFrame", `${frame.type} came before welcome`);
    } else if (frame.epoch !== this.#epoch) {
      this.close("staleEpoch", `${frame.type} of epoch ${frame.epoch} came in epoch ${this.#epoch}`);
    } else if (isOperation(frame)) {
      this.#desk.take(frame);
    } else if (!this.#isInOrder(frame)) {
      this.close("badFrame", `${frame.type} came out of order`);
    }
  }

  #isInOrder(frame: Frame): boolean {
    if (frame.type === "ack") return this.#pump.acknowledge(frame.body.seq);
    if (frame.type === "heartbeat") this.#noteSpread(frame.body.reconnectSpreadSeconds);
    if (frame.type === "logCursors") return this.#greeting.onLogCursors(frame.body);
    return frame.type !== "wanted" || this.#greeting.onWanted(frame.body);
  }

  #onWelcome(body: MessageBodies["welcome"]): void {
    const { clock, log, hello, onWelcome } = this.#options;
    if (this.#phase !== "hello") {
      this.close("badFrame", "welcome came twice");
      return;
    }
    if (!PROTOCOL_VERSIONS.includes(body.protocolVersion)) {
      this.close("unsupportedVersion", `the gateway chose protocol version ${body.protocolVersion}`);
      return;
    }
    this.#phase = "greeting";
    this.#pump.noteRoundTrip(clock.monotonic() - this.#helloAt);
    this.#epoch = body.epoch;
    this.#version = body.protocolVersion;
    this.#clockOffsetMs = body.serverTime - clock.now();
    noteWelcome(body, hello.runnerVersion, this.#clockOffsetMs, log);
    this.#heartbeat = this.#startHeartbeat(body.heartbeatSeconds, body.silenceSeconds);
    this.#cancelDeadline();
    this.#cancelDeadline = this.#deadline(LIMITS.inStepSeconds, "the comparison of states took too long");
    onWelcome(body, this.#clockOffsetMs);
    this.#noteSpread(body.reconnectSpreadSeconds);
    this.#greeting.begin();
  }

  #noteSpread(seconds: number | undefined): void {
    if (seconds !== undefined) this.#options.onSpread(seconds);
  }

  #becomeReady(): void {
    if (this.#phase !== "greeting") return;
    this.#phase = "ready";
    this.#cancelDeadline();
    this.#options.onReady();
    this.#pump.openLogs();
  }

  #onClose(body: MessageBodies["close"]): void {
    this.#end(endingByName(body.name, body.reason, body.retryAfterSeconds));
    this.#options.socket.close(CLOSE_CODES[body.name].code, "");
  }

  /** Answers the frame's length, 0 after the end. */
  #send(frame: { readonly type: MessageType; readonly seq?: number; readonly body: unknown }): number {
    if (this.#phase === "ended") return 0;
    const text = encodeFrame({ epoch: this.#epoch, ...frame } as Frame, "up");
    this.#options.socket.send(text);
    this.#heartbeat?.sent();
    return text.length;
  }

  #attempt(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** This side can't go on; the next session starts from the levels of both sides. */
  #fail(error: unknown): void {
    if (this.#phase === "ended") return;
    this.#options.log.error("The session is given up: the runner's own side failed", { error });
    this.close("internal", `the runner failed: ${describeError(error)}`);
  }

  #end(ending: Ending): void {
    if (this.#phase === "ended") return;
    this.#phase = "ended";
    this.#heartbeat?.stop();
    this.#cancelDeadline();
    this.#pump.stop();
    this.#resolveEnded(ending);
  }

  #deadline(seconds: number, message: string): () => void {
    return this.#options.clock.schedule(seconds * 1000, () => this.close("verdictTimeout", message));
  }

  #startHeartbeat(heartbeatSeconds: number, silenceSeconds: number): Heartbeat {
    return new Heartbeat({
      clock: this.#options.clock,
      intervalMs: heartbeatSeconds * 1000,
      silenceMs: Math.max(silenceSeconds, LEAST_HEARTBEATS_IN_SILENCE * heartbeatSeconds) * 1000,
      send: () => this.#send({ type: "heartbeat", body: {} }),
      onSilence: () => this.close("silence", "no byte arrived for longer than the limit"),
    });
  }
}

/** Without what a gateway of this version would refuse the frame for. */
function asOfVersion(verdict: MessageBodies["verdict"], version: number): MessageBodies["verdict"] {
  if (verdict.outcome !== "refused" || version >= REFUSAL_CATEGORY_SINCE) return verdict;
  const { category: _, ...told } = verdict;
  return told;
}
