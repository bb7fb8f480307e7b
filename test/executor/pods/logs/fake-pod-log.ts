import type { CodedError } from "../../../../src/base/errors.ts";
import { CodedError as Coded } from "../../../../src/base/errors.ts";
import type { KubernetesApi, PodLogOptions } from "../../../../src/kubernetes/api.ts";
import { KUBERNETES_ERRORS } from "../../../../src/kubernetes/errors.ts";

interface Entry {
  readonly time: number;
  readonly text: string;
  readonly bytes: Uint8Array;
}

/** How the next streams misbehave. */
export interface Faults {
  /** Each stream breaks after so many bytes, with an error or, as the API server does when the node's connection breaks, without. */
  breakAfter?: number | undefined;
  breaksCleanly?: boolean;
  /** What is thrown in place of an answer. */
  refuse?: CodedError | undefined;
  /** Open streams bring nothing more, without ending. */
  stuck?: boolean;
  /** Bytes in one piece of stream. */
  chunkBytes?: number;
  /** A stream that follows sends a piece no sooner than this resolves. */
  slow?: () => Promise<void>;
  /** A request is answered no sooner than this resolves. */
  late?: (options: PodLogOptions) => Promise<void>;
}

const NEWLINE = 10;
const PART_BYTES = 16_384;

/**
 * One container's log as containerd and kubelet keep and serve it: parts of 16 KiB with times, one file, rotation. A stream keeps
 * the file that it opened. One that follows goes on with the newest file when it has read its own to the end, but only if that
 * was rotated away after the stream had come to its end once; and when the container has ended it goes on with none
 * (k8s.io/cri-client/pkg/logs, `ReadLogs`).
 */
export class FakePodLog {
  readonly faults: Faults = {};
  /** Every request that came. */
  readonly requests: PodLogOptions[] = [];
  /** Numbers of the files that whole streams were opened of. */
  readonly openedFiles: Set<number> = new Set();
  /** Streams that are open now. */
  open = 0;
  /** Content of all that was printed. */
  readonly printed: Uint8Array[] = [];
  #file: Entry[] = [];
  #changed: (() => void)[] = [];
  #ended = false;
  #time = Date.parse("2026-01-01T00:00:00Z");
  #nanoseconds = 0;
  #files = 0;
  #cuts = 0;

  readonly api: Pick<KubernetesApi, "podLog"> = {
    podLog: (_namespace, _pod, options, signal) => this.#serve(options, signal),
  };

  get content(): string {
    return new TextDecoder().decode(Buffer.concat(this.printed));
  }

  /** Moves the container's clock. */
  advance(ms: number): void {
    this.#time += ms;
  }

  /** Lines, with their ends; each gets a time of its own unless `sameTime`. */
  print(text: string | Uint8Array, sameTime = false): void {
    const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
    this.printed.push(bytes);
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(NEWLINE, at);
      const upTo = Math.min(end < 0 ? bytes.length : end + 1, at + PART_BYTES);
      if (!sameTime) this.#nanoseconds += 1_003;
      const moment = this.#time + Math.floor(this.#nanoseconds / 1e6);
      const second = new Date(moment).toISOString().slice(0, 19);
      const fraction = String((moment % 1000) * 1e6 + (this.#nanoseconds % 1e6)).padStart(9, "0");
      this.#file.push({ time: moment, text: `${second}.${fraction}Z`, bytes: bytes.slice(at, upTo) });
      at = upTo;
    }
    this.#tell();
  }

  /** The file is moved away and a new one begun. */
  rotate(): void {
    this.#file = [];
    this.#files++;
  }

  end(): void {
    this.#ended = true;
    this.#tell();
  }

  /** Cuts the streams that are open and wait for more. */
  cut(): void {
    this.#cuts++;
    this.#tell();
  }

  async *#serve(options: PodLogOptions, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    this.requests.push(options);
    await new Promise((resolve) => setImmediate(resolve));
    await this.faults.late?.(options);
    signal.throwIfAborted();
    if (this.faults.refuse !== undefined) throw this.faults.refuse;
    this.open++;
    try {
      yield* this.#stream(options, signal);
    } finally {
      this.open--;
    }
  }

  async *#stream(options: PodLogOptions, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    const since = options.sinceTime === undefined ? 0 : Math.floor(Date.parse(options.sinceTime) / 1000) * 1000;
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    let unbroken = this.faults.breakAfter ?? Number.POSITIVE_INFINITY;
    const { breaksCleanly = false, chunkBytes = 7_001 } = this.faults;
    const cuts = this.#cuts;
    let watchedSince: number | undefined;
    if (options.limitBytes === undefined) this.openedFiles.add(this.#files);
    let file = this.#file;
    let next = options.tailLines === undefined ? 0 : Math.max(0, file.length - options.tailLines);
    let startsLine = true;
    for (;;) {
      const parts: Uint8Array[] = [];
      for (; next < file.length; next++) {
        const entry = file[next];
        if (entry === undefined) break;
        if (entry.time >= since) {
          if (options.timestamps && startsLine) parts.push(new TextEncoder().encode(`${entry.text} `));
          parts.push(entry.bytes);
        }
        startsLine = entry.bytes.at(-1) === NEWLINE;
      }
      const bytes = Buffer.concat(parts).subarray(0, left);
      left -= bytes.length;
      for (let at = 0; at < bytes.length; at += chunkBytes) {
        while (this.faults.stuck === true && options.follow) await this.#change(signal);
        if (options.follow) await this.faults.slow?.();
        const chunk = bytes.subarray(at, Math.min(at + chunkBytes, at + unbroken));
        unbroken -= chunk.length;
        if (chunk.length > 0) yield new Uint8Array(chunk);
        signal.throwIfAborted();
        if (unbroken <= 0 && breaksCleanly) return;
        if (unbroken <= 0) throw unavailable("the connection was cut");
      }
      if (left <= 0) return;
      if (next < file.length) continue;
      if (!options.follow || this.#ended) return;
      watchedSince ??= this.#files;
      if (watchedSince !== this.#files) {
        watchedSince = this.#files;
        file = this.#file;
        next = 0;
        continue;
      }
      await this.#change(signal);
      if (cuts !== this.#cuts) throw unavailable("the connection was cut");
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#changed.push(() => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
    });
  }

  #tell(): void {
    for (const changed of this.#changed.splice(0)) changed();
  }
}

/** As the client says it when the server can't be reached, or answers 5xx. */
export function unavailable(state: string): CodedError {
  return new Coded(KUBERNETES_ERRORS.ApiUnavailable, `Cannot get pods/log: ${state}`, { facts: { status: 500 } });
}

/** As the client says it while the container has not started. */
export function waitingToStart(): CodedError {
  return new Coded(
    KUBERNETES_ERRORS.ApiInvalid,
    'Cannot get pods/log: the API server answers 400 BadRequest: container "main" in pod "pod" is waiting to start: ContainerCreating',
    { facts: { status: 400 } },
  );
}

/** As the client says it when the pod is gone. */
export function podGone(): CodedError {
  return new Coded(KUBERNETES_ERRORS.ApiNotFound, "Cannot get pods/log: the API server answers 404", {
    facts: { status: 404 },
  });
}
