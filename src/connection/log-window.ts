import { LIMITS } from "../protocol/limits.ts";
import type { LogChunk, LogSource } from "./runner-side.ts";

/** With less room than this it is better to wait for an acknowledgement than to send crumbs. */
const WORTHWHILE_BYTES = 4_096;

/**
 * Log text on its way: pulled from its source piece by piece, at most `LIMITS.logWindowBytes` of it sent and not
 * acknowledged. One lives as long as its connection, so that a pull that outlives its session can't meet a rewind.
 */
export class LogWindow {
  readonly #source: LogSource;
  readonly #sent: { readonly seq: number; readonly chunk: LogChunk; readonly bytes: number }[] = [];
  #sentBytes = 0;
  #pulling: Promise<LogChunk | undefined> | undefined;

  constructor(source: LogSource) {
    this.#source = source;
  }

  /** Bytes sent and not acknowledged. */
  get unacknowledgedBytes(): number {
    return this.#sentBytes;
  }

  /** True when another chunk may be pulled. */
  get hasRoom(): boolean {
    return LIMITS.logWindowBytes - this.#sentBytes >= WORTHWHILE_BYTES;
  }

  /** A new session begins, and the gateway has the logs up to these cursors. Waits for a pull that is still under way. */
  async rewind(cursors: ReadonlyMap<string, number>): Promise<void> {
    while (this.#pulling !== undefined) await this.#pulling.catch(() => undefined);
    this.#sent.length = 0;
    this.#sentBytes = 0;
    this.#source.rewind(cursors);
  }

  /** The next chunk of at most `mostBytes` that fits, or undefined when there is none now. Pulls one at a time. */
  async pull(mostBytes: number): Promise<LogChunk | undefined> {
    while (this.#pulling !== undefined) await this.#pulling.catch(() => undefined);
    const room = Math.min(mostBytes, LIMITS.logChunkBytes, LIMITS.logWindowBytes - this.#sentBytes);
    this.#pulling = this.#source.next(room);
    try {
      return await this.#pulling;
    } finally {
      this.#pulling = undefined;
    }
  }

  /** The chunk was sent with this number. Answers its length in bytes. */
  sent(seq: number, chunk: LogChunk): number {
    const bytes = new TextEncoder().encode(chunk.text).length;
    this.#sent.push({ seq, chunk, bytes });
    this.#sentBytes += bytes;
    return bytes;
  }

  /** Everything sent up to this number is stored. */
  acknowledge(seq: number): void {
    const kept = this.#sent.findIndex((sent) => sent.seq > seq);
    for (const { chunk, bytes } of this.#sent.splice(0, kept === -1 ? this.#sent.length : kept)) {
      this.#sentBytes -= bytes;
      this.#source.acknowledged(chunk);
    }
  }
}
