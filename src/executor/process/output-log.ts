import { describeError } from "../../base/errors.ts";
import { nextCharacter, wholeCharacters } from "../../base/utf8.ts";
import type { LogEnd } from "../../protocol/messages.ts";
import { type AppendFile, cutFile, openAppendFile } from "../../runtime/append-file.ts";
import { startSha256 } from "../../runtime/crypto.ts";
import { fileSize, readBytes } from "../../runtime/files.ts";

const PIECE_BYTES = 65_536;

/** What an output log came to. */
export interface OutputEnd {
  readonly log: LogEnd;
  /** Bytes that could not be written, and why; absent when the log is whole. */
  readonly lost?: { readonly bytes: number; readonly reason: string };
}

/**
 * Writes the masked output of a run. The next `append` waits until the one before has been taken, so a slow disk slows the
 * program down. When the disk is full the run goes on: what can't be written is counted, a line in the log says so as soon as there
 * is room again, and the end of the log says so in any case. What has been written once is never changed, since it may have been read.
 */
export class OutputLog {
  readonly #file: AppendFile;
  readonly #path: string;
  readonly #hash = startSha256();
  #bytes = 0;
  /** The rest of a character that was cut by a full disk: it comes first when there is room again. */
  #owed: Uint8Array = new Uint8Array(0);
  #lostSinceMark = 0;
  #lost = 0;
  #reason = "";
  #turn: Promise<void> = Promise.resolve();

  private constructor(file: AppendFile, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** Opens the log of a run that has none yet. */
  static async open(path: string): Promise<OutputLog> {
    return new OutputLog(await openAppendFile(path), path);
  }

  /** Appends text, after what was given before. Never throws for a disk that is full or broken. */
  append(text: string): Promise<void> {
    this.#turn = this.#turn.then(() => this.#append(text));
    return this.#turn;
  }

  async #append(text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text);
    if (!(await this.#payDebt())) {
      this.#lose(bytes.length);
      return;
    }
    const written = await this.#write(bytes);
    if (written === bytes.length) return;
    const boundary = nextCharacter(bytes, written);
    this.#owed = bytes.slice(written, boundary);
    this.#lose(bytes.length - boundary);
  }

  /** Closes the log and tells what it came to. */
  async end(): Promise<OutputEnd> {
    await this.#turn;
    await this.#payDebt();
    try {
      await this.#file.sync();
    } catch (error) {
      this.#reason ||= describeError(error);
    }
    await this.#file.close().catch(() => undefined);
    const written = { bytes: this.#bytes, sha256: this.#hash.hex() };
    // A character that stayed half is cut off; nobody has been shown a half one. A disk that can't even do that keeps it.
    const log = this.#owed.length > 0 ? await closeLog(this.#path).catch(() => written) : written;
    return { log, ...(this.#lost === 0 ? {} : { lost: { bytes: this.#lost, reason: this.#reason } }) };
  }

  /** Writes what is owed and the note about what is missing; false when there is still no room. */
  async #payDebt(): Promise<boolean> {
    if (this.#owed.length > 0) {
      this.#owed = this.#owed.slice(await this.#write(this.#owed));
      if (this.#owed.length > 0) return false;
    }
    if (this.#lostSinceMark === 0) return true;
    const note = new TextEncoder().encode(
      `\n[hybrid-runner: ${this.#lostSinceMark} bytes of log are missing here: ${this.#reason}]\n`,
    );
    const written = await this.#write(note);
    // The note is plain ASCII but for the reason; whatever of it could be written stays.
    if (written < note.length) this.#owed = note.slice(written, nextCharacter(note, written));
    else this.#lostSinceMark = 0;
    return this.#lostSinceMark === 0;
  }

  async #write(bytes: Uint8Array): Promise<number> {
    let position = 0;
    while (position < bytes.length) {
      try {
        const taken = await this.#file.write(bytes.subarray(position));
        this.#hash.update(bytes.subarray(position, position + taken));
        this.#bytes += taken;
        position += taken;
      } catch (error) {
        this.#reason = describeError(error);
        break;
      }
    }
    return position;
  }

  #lose(bytes: number): void {
    this.#lost += bytes;
    this.#lostSinceMark += bytes;
  }
}

/** Settles the log of a run whose writer is dead: cuts off half a character at its end, then measures it. */
export async function closeLog(path: string): Promise<LogEnd> {
  const size = (await fileSize(path)) ?? 0;
  const tail = await readBytes(path, Math.max(0, size - 4), 4);
  const bytes = size - (tail.length - wholeCharacters(tail));
  if (bytes < size) await cutFile(path, bytes);
  const hash = startSha256();
  for (let offset = 0; offset < bytes; ) {
    const piece = await readBytes(path, offset, Math.min(PIECE_BYTES, bytes - offset));
    if (piece.length === 0) break;
    hash.update(piece);
    offset += piece.length;
  }
  return { bytes, sha256: hash.hex() };
}
