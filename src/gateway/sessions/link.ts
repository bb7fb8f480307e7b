import { clip } from "../../base/clip.ts";
import type { Clock } from "../../base/clock.ts";
import { CLOSE_CODES, type CloseName } from "../../protocol/close-codes.ts";
import { encodeFrame, type Frame } from "../../protocol/codec.ts";
import { LIMITS } from "../../protocol/limits.ts";
import type { MessageBodies, MessageType } from "../../protocol/messages.ts";
import type { Socket } from "../../runtime/socket.ts";
import { type Liveness, watchLiveness } from "./liveness.ts";

/** A runner that leaves more than this unread is cut off. */
const MAX_BUFFERED_BYTES = 16 * LIMITS.maxFrameBytes;
const MAX_REASON_CHARACTERS = 500;

/** Called with the exact text of each frame: `up` is runner to gateway. */
export type Capture = (direction: "up" | "down", text: string) => void;

/** How a session ended, for the log. */
export interface LinkEnd {
  readonly name: CloseName | "broken";
  readonly reason: string;
  /** True when this side ended it. */
  readonly byUs: boolean;
}

/** What a link stands on. */
export interface LinkOptions {
  readonly socket: Socket;
  readonly clock: Clock;
  readonly capture: Capture | undefined;
  /** The body of the next heartbeat. */
  readonly heartbeat: () => MessageBodies["heartbeat"];
  readonly onText: (text: string) => void;
  /** Called once, as soon as nothing more will be sent or received. */
  readonly onEnd: (end: LinkEnd) => void;
}

/** One socket as the carrier of frames: numbers them with the epoch, keeps the line alive, and ends it in good order. */
export class Link {
  readonly #options: LinkOptions;
  readonly #liveness: Liveness;
  /** 0 until the session has one. */
  epoch = 0;
  #ended = false;
  readonly #gone = Promise.withResolvers<void>();

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#liveness = watchLiveness({
      clock: options.clock,
      heartbeatMs: LIMITS.heartbeatSeconds * 1000,
      silenceMs: LIMITS.silenceSeconds * 1000,
      onQuiet: () => this.send("heartbeat", options.heartbeat()),
      onSilence: () => this.close("silence", `nothing was received for ${LIMITS.silenceSeconds} s`),
    });
    const { socket } = options;
    socket.onAlive = () => this.#liveness.received();
    socket.onClose = (code, reason) => {
      this.#end({ name: nameOf(code), reason: reason || `code ${code}`, byUs: false });
      this.#gone.resolve();
    };
    this.setFlowing(true);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when the socket itself is closed. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  /** Lets texts come, or leaves them with the peer. While they wait there its silence means nothing. */
  setFlowing(flowing: boolean): void {
    this.#liveness.received();
    this.#options.socket.onText = flowing ? (text) => this.#receive(text) : undefined;
  }

  /** Sends a message and answers its length; after the end it does nothing. @throws CodedError BadFrame, FrameTooLarge */
  send<T extends MessageType>(type: T, body: MessageBodies[T]): number {
    if (this.#ended) return 0;
    const text = encodeFrame({ type, epoch: this.epoch, body } as Frame, "down");
    this.#options.capture?.("down", text);
    this.#options.socket.send(text);
    this.#liveness.sent();
    if (this.#options.socket.bufferedBytes > MAX_BUFFERED_BYTES) {
      this.#end({ name: "internal", reason: "the runner doesn't read what it is sent", byUs: true });
      this.#options.socket.terminate();
    }
    return text.length;
  }

  /** Tells the peer why and closes the socket. Only the first call counts. */
  close(name: CloseName, reason: string): void {
    if (this.#ended) return;
    const told = clip(reason, MAX_REASON_CHARACTERS);
    this.send("close", { name, reason: told });
    this.#end({ name, reason, byUs: true });
    this.#options.socket.close(CLOSE_CODES[name].code, told);
  }

  /** The peer has said `close`. */
  acceptClose(name: CloseName, reason: string): void {
    this.#end({ name, reason, byUs: false });
    this.#options.socket.close(CLOSE_CODES[name].code, reason);
  }

  #receive(text: string): void {
    if (this.#ended) return;
    this.#options.capture?.("up", text);
    this.#options.onText(text);
  }

  #end(end: LinkEnd): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#liveness.stop();
    // The peer's last words are read and dropped, so that its close frame can come through.
    this.#options.socket.onText = () => undefined;
    this.#options.onEnd(end);
  }
}

function nameOf(code: number): CloseName | "broken" {
  const row = Object.values(CLOSE_CODES).find((entry) => entry.code === code);
  return row?.name ?? "broken";
}
