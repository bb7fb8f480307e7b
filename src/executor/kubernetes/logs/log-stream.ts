import type { Clock } from "../../../base/clock.ts";
import type { KubernetesApi, PodLogOptions } from "../../../kubernetes/api.ts";
import { CharacterStream, joined } from "./characters.ts";
import { secondBefore } from "./line-times.ts";
import { LogIntake } from "./log-intake.ts";
import type { LogSource } from "./log-source.ts";
import { beginningGone, ROTATED_HERE } from "./markers.ts";
import type { Spool } from "./spool.ts";

/** Content is written when there is so much of it, or after a while. */
const WRITE_BYTES = 65_536;
const WRITE_AFTER_MS = 50;
/** stdout and stderr are stamped side by side, so their lines may be a little out of order. */
const OVERLAP_MS = 500;

/** Enough for a time. */
const TIME_BYTES = 60;

/** How a stream is read into a spool. */
export interface LogStreamOptions {
  readonly api: Pick<KubernetesApi, "podLog">;
  readonly namespace: string;
  readonly clock: Clock;
  readonly source: LogSource;
  readonly spool: Spool;
  readonly follow: boolean;
  /** Ask for the log from its beginning, although the spool has some of it. */
  readonly whole?: boolean;
  /** What is said in front of a log whose first line has this time. */
  readonly front?: (firstTime: string) => boolean;
  readonly signal: AbortSignal;
  /** Something came in. */
  readonly onBytes?: () => void;
}

/** What came of a stream that ended by itself or was aborted. */
export interface LogReading {
  /** New content in the spool, in bytes. */
  readonly bytes: number;
  /** True when the spool's end was found in the stream, so that nothing is missing in between. */
  readonly found: boolean;
  /** The kubelet's own words in place of a log. */
  readonly words: string;
  /** Half a character at the stream's end, as it is written when nothing follows; the bytes it stands for. */
  readonly rest: { readonly text: Uint8Array; readonly bytes: number };
}

/**
 * Reads one stream of a container's log into its spool, behind what is there. What was read before is left out, and a note is
 * written where it can't be found again.
 * @throws the system's error when the spool can't be written, and what `podLog` throws; what was written before counts
 */
export async function readLogStream(options: LogStreamOptions): Promise<LogReading> {
  const { spool, signal } = options;
  const before = spool.facts.content;
  const intake = new LogIntake(spool.facts.position);
  const abort = new AbortController();
  const writer = new SpoolWriter(options, intake, abort);
  const onAbort = (): void => abort.abort(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    const { api, namespace, source } = options;
    for await (const chunk of api.podLog(namespace, source.podName, logOptions(options), abort.signal)) {
      options.onBytes?.();
      const slowed = writer.push(chunk);
      if (slowed !== undefined) await slowed;
    }
  } catch (error) {
    await writer.finish();
    if (writer.trouble !== undefined) throw writer.trouble;
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
  await writer.finish();
  if (writer.trouble !== undefined) throw writer.trouble;
  return {
    bytes: spool.facts.content - before,
    found: intake.found && intake.lines > 0,
    words: intake.words,
    rest: writer.rest(),
  };
}

/** Time before the first or the last line that the node has now; empty when there is none. @throws what `podLog` throws */
export async function readLineTime(
  api: LogStreamOptions["api"],
  namespace: string,
  { podName, container }: LogSource,
  which: "first" | "last",
  signal: AbortSignal,
): Promise<string> {
  const options = { container, follow: false, timestamps: true, limitBytes: TIME_BYTES };
  const last = which === "last" ? { tailLines: 1 } : {};
  let text = "";
  for await (const chunk of api.podLog(namespace, podName, { ...options, ...last }, signal))
    text += new TextDecoder().decode(chunk);
  return text.split(" ", 1)[0] ?? "";
}

function logOptions({ source, spool, follow, whole }: LogStreamOptions): PodLogOptions {
  const { last } = spool.facts.position;
  const sinceTime = last === "" || whole === true ? undefined : secondBefore(last, OVERLAP_MS);
  return {
    container: source.container,
    follow,
    timestamps: true,
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
}

/**
 * Gathers what comes for a moment, since it comes line by line, and writes it to the spool. What the intake has taken and what
 * the spool has move on together.
 */
class SpoolWriter {
  readonly #options: LogStreamOptions;
  readonly #epoch: number;
  readonly #intake: LogIntake;
  readonly #abort: AbortController;
  readonly #characters = new CharacterStream();
  #chunks: Uint8Array[] = [];
  #size = 0;
  #cancel: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lookedAtFront = false;
  /** Why the spool can't be written. */
  trouble: unknown;

  constructor(options: LogStreamOptions, intake: LogIntake, abort: AbortController) {
    this.#options = options;
    this.#epoch = options.spool.epoch;
    this.#intake = intake;
    this.#abort = abort;
  }

  /** Takes a piece of stream; answers when the next may come if that is not at once, so that a slow disk slows the stream. */
  push(chunk: Uint8Array): Promise<void> | undefined {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
    if (this.#size >= WRITE_BYTES) return this.#write();
    this.#cancel ??= this.#options.clock.schedule(WRITE_AFTER_MS, () => void this.#write(), { unref: true });
    return undefined;
  }

  /** Writes what is there. */
  async finish(): Promise<void> {
    await this.#write();
  }

  rest(): LogReading["rest"] {
    const bytes = this.#characters.held;
    return { bytes, text: this.#characters.end() };
  }

  #write(): Promise<void> {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#writing = this.#writing.then(() => this.#writeNow());
    return this.#writing;
  }

  async #writeNow(): Promise<void> {
    const { spool } = this.#options;
    if (this.trouble !== undefined || this.#size === 0 || this.#epoch !== spool.epoch) return;
    const { bytes, gap } = this.#intake.take(joined(this.#chunks));
    this.#chunks = [];
    this.#size = 0;
    if (bytes.length === 0 && !gap) return;
    const content = this.#characters.push(bytes);
    const mark = gap ? ROTATED_HERE : this.#frontMark();
    try {
      if (mark !== undefined) await spool.note(mark);
      await spool.append(content, this.#intake.position(this.#characters.held), this.#epoch);
    } catch (error) {
      this.trouble = error;
      this.#abort.abort(error);
    }
  }

  /** What is said in front of a log's first line. */
  #frontMark(): string | undefined {
    const { front, spool } = this.#options;
    if (front === undefined || this.#lookedAtFront || spool.facts.content > 0) return undefined;
    this.#lookedAtFront = true;
    const { first } = this.#intake.position();
    return front(first) ? beginningGone(first) : undefined;
  }
}
