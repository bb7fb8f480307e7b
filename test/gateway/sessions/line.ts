import { onTestFinished } from "vitest";
import { decodeFrame, encodeFrame, type Frame } from "../../../src/protocol/codec.ts";
import type { MessageBodies, MessageType, PipelineKey } from "../../../src/protocol/messages.ts";
import { RUNNER_ID_HEADER, RUNNER_PATH, SUBPROTOCOL } from "../../../src/protocol/version.ts";
import { dial } from "../../../src/runtime/dial.ts";
import type { Socket } from "../../../src/runtime/socket.ts";
import { eventually } from "../../fakes/eventually.ts";

export type VerdictWish = MessageBodies["verdict"] extends infer V
  ? V extends unknown
    ? Omit<V, "operationId">
    : never
  : never;

/** The runner's end of one real socket, frame by frame as a test says. */
export class Line {
  readonly runnerId: string;
  readonly frames: Frame[] = [];
  /** What it answers to an operation; undefined: nothing, so that no verdict comes. */
  answer: (operation: Frame) => VerdictWish | undefined = () => ({ outcome: "accepted" });
  /** Set when the socket is closed. */
  closed: { readonly code: number; readonly reason: string } | undefined;
  epoch = 0;
  readonly #socket: Socket;
  #sequence = 0;

  private constructor(runnerId: string, socket: Socket) {
    this.runnerId = runnerId;
    this.#socket = socket;
    socket.onText = (text) => this.#take(decodeFrame(text, "down"));
    socket.onClose = (code, reason) => {
      this.closed = { code, reason };
    };
  }

  static async dial(port: number, runnerId = "alpha"): Promise<Line> {
    const socket = await dial({
      url: `ws://127.0.0.1:${port}${RUNNER_PATH}`,
      headers: { [RUNNER_ID_HEADER]: runnerId },
      subprotocol: SUBPROTOCOL,
      connectTimeoutMs: 10_000,
      maxPayloadBytes: 4_000_000,
    });
    onTestFinished(() => socket.terminate());
    return new Line(runnerId, socket);
  }

  hello(more: Partial<MessageBodies["hello"]> = {}): MessageBodies["hello"] {
    return {
      protocolVersions: [1],
      runnerId: this.runnerId,
      installationId: "here",
      instanceId: crypto.randomUUID(),
      standby: false,
      runnerVersion: "1.2.3",
      executor: "process",
      platform: "test",
      operations: ["run.start"],
      maxConcurrentRuns: 2,
      ...more,
    };
  }

  /** Sends `hello` and waits for `welcome`. */
  async greet(more: Partial<MessageBodies["hello"]> = {}): Promise<this> {
    this.send("hello", this.hello(more));
    this.epoch = (await this.next("welcome")).body.epoch;
    return this;
  }

  /** Tells what it has and waits until it was told what is wanted. */
  async compare(
    has: { readonly pipelines?: PipelineKey[]; readonly runs?: MessageBodies["inventory"]["runs"] } = {},
  ): Promise<this> {
    this.send("inventory", { pipelines: has.pipelines ?? [], runs: has.runs ?? [], last: true });
    await eventually(() => {
      if (!this.all("wanted").some((frame) => frame.body.last)) throw new Error(`no last page, only ${this.seen}`);
    });
    return this;
  }

  inStep(orphans: PipelineKey[] = []): this {
    this.send("inStep", { fetched: 0, deleted: 0, orphans });
    return this;
  }

  send<T extends MessageType>(type: T, body: MessageBodies[T], seq?: number, epoch: number = this.epoch): void {
    this.sendText(encodeFrame({ type, epoch, body, ...(seq === undefined ? {} : { seq }) } as Frame, "up"));
  }

  sendText(text: string): void {
    this.#socket.send(text);
  }

  /** Sends an update with the next number, and answers with it. */
  update<T extends "run.update" | "run.log">(type: T, body: MessageBodies[T]): number {
    this.send(type, body, ++this.#sequence);
    return this.#sequence;
  }

  /** Ends the socket without a word, as a broken line does. */
  cut(): void {
    this.#socket.terminate();
  }

  all<T extends MessageType>(type: T): Frame<T>[] {
    return this.frames.filter((frame) => frame.type === type) as Frame<T>[];
  }

  get seen(): string {
    return this.frames.map((frame) => frame.type).join(", ");
  }

  /** The first frame of a type (that passes), once it is there. */
  next<T extends MessageType>(type: T, passes: (frame: Frame<T>) => boolean = () => true): Promise<Frame<T>> {
    return eventually(() => {
      const found = this.all(type).find(passes);
      if (found === undefined) throw new Error(`no such ${type}, only ${this.seen}; closed: ${this.closed?.reason}`);
      return found;
    });
  }

  /** Highest number that was acknowledged. */
  get acknowledged(): number {
    return Math.max(0, ...this.all("ack").map((frame) => frame.body.seq));
  }

  /** The close frame's name and the close code, once both are there. */
  async ended(): Promise<{ readonly name: string; readonly code: number; readonly reason: string }> {
    const { name, reason } = (await this.next("close")).body;
    return eventually(() => {
      if (this.closed === undefined) throw new Error("the socket is still open");
      return { name, code: this.closed.code, reason };
    });
  }

  #take(frame: Frame): void {
    this.frames.push(frame);
    if (!("operationId" in frame.body)) return;
    const verdict = this.answer(frame);
    if (verdict === undefined) return;
    this.send("verdict", { ...verdict, operationId: frame.body.operationId } as MessageBodies["verdict"]);
  }
}
