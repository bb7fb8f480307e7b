import { onTestFinished } from "vitest";
import { decodeFrame, encodeFrame, type Frame } from "../../src/protocol/codec.ts";
import type { MessageBodies, MessageType } from "../../src/protocol/messages.ts";
import { RUNNER_ID_HEADER, RUNNER_PATH, SUBPROTOCOL } from "../../src/protocol/version.ts";
import { dial } from "../../src/runtime/dial.ts";
import type { Socket } from "../../src/runtime/socket.ts";
import { eventually } from "../fakes/eventually.ts";

type Verdict = MessageBodies["verdict"] extends infer V ? (V extends unknown ? Omit<V, "operationId"> : never) : never;

/** A runner that does what a test tells it, over a real socket. It keeps every frame the gateway sends. */
export class ScriptedRunner {
  readonly runnerId: string;
  readonly frames: Frame[] = [];
  /** What it answers to an operation; undefined: nothing. */
  answer: (operation: Frame) => Verdict | undefined = () => ({ outcome: "accepted" });
  readonly #socket: Socket;
  #epoch = 0;
  #sequence = 0;

  private constructor(runnerId: string, socket: Socket) {
    this.runnerId = runnerId;
    this.#socket = socket;
    socket.onText = (text) => this.#take(decodeFrame(text, "down"));
  }

  /** Dials, greets, compares (it has nothing and fetches everything it misses), and is in step when this resolves. */
  static async connect(url: string, token: string, runnerId: string): Promise<ScriptedRunner> {
    const runner = await ScriptedRunner.dial(url, token, runnerId);
    await eventually(() => runner.newest("wanted"));
    return runner;
  }

  /** Dials and greets, whatever comes of it. */
  static async dial(url: string, token: string, runnerId: string): Promise<ScriptedRunner> {
    const socket = await dialRunner(url, token, runnerId);
    onTestFinished(() => socket.terminate());
    const runner = new ScriptedRunner(runnerId, socket);
    runner.#send("hello", {
      protocolVersions: [1],
      runnerId,
      installationId: `installation of ${runnerId}`,
      instanceId: crypto.randomUUID(),
      standby: false,
      runnerVersion: "1.2.3",
      ingestionVersion: "1.9.0",
      executor: "process",
      platform: "test",
      host: "machine-7",
      operations: ["pipeline.deploy", "pipeline.delete", "pipeline.stop", "run.start", "run.stop", "service.status"],
      maxConcurrentRuns: 4,
    });
    return runner;
  }

  /** The newest frame of a type; fails when there is none. */
  newest<T extends MessageType>(type: T): Frame<T> {
    const found = this.frames.findLast((frame) => frame.type === type);
    if (found === undefined) throw new Error(`no ${type} yet, only ${this.frames.map((frame) => frame.type)}`);
    return found as Frame<T>;
  }

  report(report: MessageBodies["run.update"]): void {
    this.#send("run.update", report, ++this.#sequence);
  }

  /** Sends a piece of log; answers the offset behind it. */
  log(runId: string, offset: number, text: string): number {
    this.#send("run.log", { runId, offset, text }, ++this.#sequence);
    return offset + new TextEncoder().encode(text).length;
  }

  leave(): void {
    this.#socket.close(1000, "done");
  }

  #take(frame: Frame): void {
    this.frames.push(frame);
    if (frame.type === "welcome") {
      this.#epoch = frame.body.epoch;
      this.#send("inventory", { pipelines: [], runs: [], last: true });
    } else if (frame.type === "wanted" && frame.body.last) {
      for (const { pipelineId } of frame.body.pipelines) this.#send("fetch", { pipelineId });
      this.#send("inStep", { fetched: frame.body.pipelines.length, deleted: 0, orphans: [] });
    } else if ("operationId" in frame.body) {
      const verdict = this.answer(frame);
      if (verdict === undefined) return;
      this.#send("verdict", { ...verdict, operationId: frame.body.operationId } as MessageBodies["verdict"]);
    }
  }

  #send<T extends MessageType>(type: T, body: MessageBodies[T], seq?: number): void {
    const frame = { type, epoch: this.#epoch, body, ...(seq === undefined ? {} : { seq }) };
    this.#socket.send(encodeFrame(frame as Frame, "up"));
  }
}

/** Dials as a runner does. @throws CodedError DialRefused with the refusal's status */
export function dialRunner(url: string, token: string | undefined, runnerId: string | undefined): Promise<Socket> {
  return dial({
    url: `${url.replace(/^http/, "ws")}${RUNNER_PATH}`,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(runnerId === undefined ? {} : { [RUNNER_ID_HEADER]: runnerId }),
    },
    subprotocol: SUBPROTOCOL,
    connectTimeoutMs: 10_000,
    maxPayloadBytes: 2_000_000,
  });
}
