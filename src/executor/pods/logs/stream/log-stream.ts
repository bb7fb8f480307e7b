import type { Clock } from "../../../../base/clock.ts";
import type { KubernetesApi, PodLogOptions } from "../../../../kubernetes/api.ts";
import type { LogSource } from "../log-source.ts";
import type { Spool } from "../spool/spool.ts";
import { SpoolWriter } from "../spool/spool-writer.ts";
import { OVERLAP_MS, secondBefore } from "./line-times.ts";

const NO_REST: LogReading["rest"] = { text: new Uint8Array(0), bytes: 0 };

/** What a stream stands on. */
export interface LogStreamOptions {
  readonly api: Pick<KubernetesApi, "podLog">;
  readonly namespace: string;
  readonly clock: Clock;
  readonly source: LogSource;
  readonly spool: Spool;
  readonly follow: boolean;
  /** Ask for the log from its beginning, although the spool has some of it. */
  readonly whole?: boolean;
  /** Ask for the log from this time on: another stream brings what is before. */
  readonly since?: string;
  /** True when something is missing in front of a log whose first line has this time. */
  readonly front?: (firstTime: string) => boolean;
  /** Closes the stream. */
  readonly signal: AbortSignal;
}

/** How a stream is read. */
export interface ReadOptions {
  /** Where what was read before isn't found again: go on behind a line that says so, without a word, or stop before it. */
  readonly gap: "mark" | "pass" | "stop";
  /** Reading stops, and the stream stays open. */
  readonly pause?: AbortSignal;
  /** So many bytes came in, times included. */
  readonly onBytes?: (bytes: number) => void;
  /** Reading is paused as soon as the spool's end was found. */
  readonly peek?: boolean;
  /** Reading ends before the line of this time, where another stream goes on. */
  readonly until?: string;
}

/** What came of reading. */
export interface LogReading {
  /** The stream ended by itself, reading was paused, or it stopped before a gap. */
  readonly end: "ended" | "paused" | "gap";
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
 * One stream of a container's log on its way into the spool, behind what is there: what was read before is left out. As long as
 * a stream is open, the node keeps the file that it reads, also one that was rotated away, which no later stream gives: so a
 * stream can be paused and go on when others have shown that they don't do better.
 */
export class LogStream {
  readonly #options: LogStreamOptions;
  readonly #writer: SpoolWriter;
  readonly #abort = new AbortController();
  #chunks: AsyncIterator<Uint8Array> | undefined;
  #next: Promise<IteratorResult<Uint8Array>> | undefined;
  #stopWaiting: () => void = () => undefined;

  constructor(options: LogStreamOptions) {
    this.#options = options;
    this.#writer = new SpoolWriter(options, () => this.#stopWaiting());
  }

  /** Time of the first line that came; empty before. */
  get firstTime(): string {
    return this.#writer.intake.came;
  }

  /**
   * Reads on from where the spool ends now.
   * @throws the system's error when the spool can't be written, and what `podLog` throws; what was written before counts
   */
  async read(options: ReadOptions): Promise<LogReading> {
    const { spool } = this.#options;
    const before = spool.facts.content;
    const pause = (): void => this.#stopWaiting();
    options.pause?.addEventListener("abort", pause);
    let end: LogReading["end"] = "paused";
    let failure: unknown;
    try {
      await this.#writer.goOn(options);
      while (options.pause?.aborted !== true && !this.#writer.isStopped) {
        const next = await this.#wait();
        if (next === undefined) continue;
        this.#next = undefined;
        if (next.done === true) {
          end = "ended";
          break;
        }
        options.onBytes?.(next.value.length);
        const slowed = this.#writer.push(next.value);
        if (slowed !== undefined) await slowed;
      }
    } catch (error) {
      failure = error;
    } finally {
      options.pause?.removeEventListener("abort", pause);
      await this.#writer.flush();
    }
    const { intake, isBeforeGap, isFound, trouble } = this.#writer;
    if (trouble !== undefined) throw trouble;
    // A stream that was only to be found in fails when it is read on.
    const isEnough = options.peek === true && (isFound || isBeforeGap);
    if (failure !== undefined && !this.#options.signal.aborted && !isEnough) throw failure;
    if (intake.reached) end = "ended";
    return {
      end: isBeforeGap ? "gap" : end,
      bytes: spool.facts.content - before,
      found: isFound,
      words: intake.words,
      rest: end === "ended" ? this.#writer.rest() : NO_REST,
    };
  }

  close(): void {
    this.#abort.abort(new Error("The stream of a log is needed no more"));
    this.#chunks?.return?.().catch(() => undefined);
  }

  /** The next piece; undefined when whoever reads shall look what has happened. */
  #wait(): Promise<IteratorResult<Uint8Array> | undefined> {
    this.#chunks ??= this.#open();
    this.#next ??= this.#chunks.next();
    return new Promise((resolve, reject) => {
      this.#stopWaiting = () => resolve(undefined);
      this.#next?.then(resolve, reject);
    });
  }

  #open(): AsyncIterator<Uint8Array> {
    const { api, namespace, source, signal } = this.#options;
    const signals = AbortSignal.any([this.#abort.signal, signal]);
    return api.podLog(namespace, source.podName, logOptions(this.#options), signals)[Symbol.asyncIterator]();
  }
}

function logOptions({ source, spool, follow, whole, since }: LogStreamOptions): PodLogOptions {
  const last = since ?? spool.facts.position.last;
  const sinceTime = last === "" || whole === true ? undefined : secondBefore(last, OVERLAP_MS);
  return {
    container: source.container,
    follow,
    timestamps: true,
    ...(sinceTime === undefined ? {} : { sinceTime }),
  };
}
