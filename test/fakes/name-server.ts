import { createSocket, type Socket } from "node:dgram";
import { onTestFinished } from "vitest";

const A = 1;
const NXDOMAIN = 3;

/** A name server that knows one name, or for a while none: a real one, asked over UDP by the system's own resolver. */
export class NameServer {
  /** The address of every name; undefined: no name exists. */
  address: string | undefined;
  /** Questions for addresses so far. */
  asked = 0;
  readonly #socket: Socket = createSocket("udp4");

  private constructor(address: string) {
    this.address = address;
    this.#socket.on("message", (question, { address: asker, port }) => {
      this.#socket.send(this.#answer(question), port, asker);
    });
  }

  /** Starts one on port 53 of `host`, which needs root; it ends with the test. */
  static async start(host: string, address: string): Promise<NameServer> {
    const server = new NameServer(address);
    await new Promise<void>((resolve, reject) => {
      server.#socket.once("error", reject);
      server.#socket.bind(53, host, resolve);
    });
    onTestFinished(() => void server.#socket.close());
    return server;
  }

  /** The question with its answer behind it (RFC 1035 §4.1); the name is a pointer to the one in the question. */
  #answer(question: Uint8Array): Uint8Array {
    const end = question.indexOf(0, 12) + 5;
    const type = ((question[end - 4] ?? 0) << 8) | (question[end - 3] ?? 0);
    if (type === A) this.asked += 1;
    const known = this.address !== undefined && type === A;
    const header = [0x81, 0x80 | (this.address === undefined ? NXDOMAIN : 0), 0, 1, 0, known ? 1 : 0, 0, 0, 0, 0];
    const address = (this.address ?? "").split(".").map(Number);
    const record = known ? [0xc0, 12, 0, A, 0, 1, 0, 0, 0, 60, 0, 4, ...address] : [];
    return Uint8Array.from([...question.subarray(0, 2), ...header, ...question.subarray(12, end), ...record]);
  }
}
