/** One line of the log file, or a part of a line that is too long or has no end. */
export interface LogEntry {
  /** Epoch milliseconds. */
  readonly time: number;
  /** RFC 3339 with nanoseconds. */
  readonly timeText: string;
  /** With the newline, unless it is only a part. */
  readonly bytes: Uint8Array;
}

/** containerd cuts lines into parts of this size. */
const MOST_LINE_BYTES = 16_384;
const NEWLINE = 10;
/** The kubelet looks every ten seconds whether a file is larger than ten mebibytes (`containerLogMaxSize`). */
const ROTATE_BYTES = 10 * 1_048_576;
const ROTATE_MS = 10_000;

/** What a container has written, as containerd keeps it: line by line with a time, parts where a line is too long or isn't ended. */
export class ContainerLog {
  readonly #listeners = new Set<() => void>();
  readonly #open = new Map<string, Buffer>();
  readonly #now: () => number;
  #file: LogEntry[] = [];
  #nanoseconds = 0;
  #ended = false;
  #fileBytes = 0;
  #rotatedAt: number;

  constructor(now: () => number) {
    this.#now = now;
    this.#rotatedAt = now();
  }

  /** True when the container's output has ended: nothing follows. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The file of now; whoever holds it can read it also when it was rotated away. */
  get file(): readonly LogEntry[] {
    return this.#file;
  }

  /** Takes output of one of both streams. */
  append(stream: "stdout" | "stderr", chunk: Buffer): void {
    if (this.#fileBytes >= ROTATE_BYTES && this.#now() - this.#rotatedAt >= ROTATE_MS) this.rotate();
    let text = Buffer.concat([this.#open.get(stream) ?? Buffer.alloc(0), chunk]);
    for (;;) {
      const end = text.indexOf(NEWLINE);
      const whole = end >= 0 && end <= MOST_LINE_BYTES;
      if (!whole && text.length <= MOST_LINE_BYTES) break;
      const size = whole ? end + 1 : MOST_LINE_BYTES;
      this.#add(text.subarray(0, size));
      text = text.subarray(size);
    }
    this.#open.set(stream, Buffer.from(text));
    this.#tell();
  }

  /** Ends it; a last line without an end is a part. */
  end(): void {
    for (const text of this.#open.values()) if (text.length > 0) this.#add(text);
    this.#open.clear();
    this.#ended = true;
    this.#tell();
  }

  /** The file is rotated: what is in it is read only by those who have it open, as with the real API. */
  rotate(): void {
    this.#file = [];
    this.#fileBytes = 0;
    this.#rotatedAt = this.#now();
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  #add(bytes: Buffer): void {
    const time = this.#now();
    // The real times differ from line to line; these do too.
    this.#nanoseconds = (this.#nanoseconds + 137) % 1_000_000;
    const fraction = `${String(time % 1000).padStart(3, "0")}${String(this.#nanoseconds).padStart(6, "0")}`;
    const timeText = `${new Date(time).toISOString().slice(0, 19)}.${fraction}Z`;
    this.#fileBytes += bytes.length;
    this.#file.push({ time, timeText, bytes: Buffer.from(bytes) });
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}
