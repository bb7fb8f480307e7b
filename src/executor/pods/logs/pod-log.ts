import type { Clock } from "../../../base/clock.ts";
import type { Log } from "../../../base/log.ts";
import type { KubernetesApi } from "../../../kubernetes/api.ts";
import type { LogEnd } from "../../../protocol/messages.ts";
import { drainLog, finishSpool } from "./drain.ts";
import { LogFront } from "./log-front.ts";
import { countLog, readLineTime, readLogNow } from "./log-reads.ts";
import { LogRetry } from "./log-retry.ts";
import type { LogSource } from "./log-source.ts";
import type { LogTurns, Turned } from "./log-turns.ts";
import type { Spool } from "./spool/spool.ts";
import { Following } from "./stream/follow.ts";
import type { FollowOptions, StreamMemory } from "./stream/follow-options.ts";
import { LogStream, type LogStreamOptions } from "./stream/log-stream.ts";
import { type StreamEnd, streamEnd, streamFailure } from "./stream/stream-end.ts";

/** What the log of a run stands on. */
export interface PodLogContext {
  readonly api: Pick<KubernetesApi, "podLog">;
  readonly namespace: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly turns: LogTurns<PodLog>;
  /** Aborts when everything closes. */
  readonly signal: AbortSignal;
}

/** One attempt whose log is being read. */
export interface AttemptLog {
  readonly source: LogSource;
  /** Nothing is printed any more, since this moment of the monotonic clock. */
  over?: number;
  /** What the wrapper says it printed. */
  stated?: LogEnd;
  /** What the streams' ends say. */
  streams: StreamEnd;
}

/** A log that was silent is looked at so often; seldomer when many are. */
const SILENT_MS = 10_000;
/** Looks a second at silent logs, all together. */
const LOOKS_PER_SECOND = 20;
/** Waking one that waits for its next try is bounded. */
const WAKE_MS = 1_000;

/** The log of one run: which attempts are to be read, and how far it has come. Works when it gets a turn. */
export class PodLog implements Turned {
  readonly runId: string;
  readonly spool: Spool;
  readonly #context: PodLogContext;
  readonly #log: Log;
  readonly #retry: LogRetry;
  /** Attempts to be read, in order. */
  #attempts: AttemptLog[] = [];
  #wokenAt = Number.NEGATIVE_INFINITY;
  #talks = true;
  /** Closes the streams that are open now. */
  #interrupt: AbortController | undefined;
  #following: Following | undefined;
  #ending = false;
  /** The last attempt that was drained had a statement to be compared with. */
  #compared = false;
  #waiters: (() => void)[] = [];
  readonly #front = new LogFront();
  /** The spool begins anew: the next stream follows at once. */
  #again = false;
  readonly #memory: StreamMemory = { doubted: "", leastLagMs: Number.POSITIVE_INFINITY };

  constructor(runId: string, spool: Spool, context: PodLogContext) {
    this.runId = runId;
    this.spool = spool;
    this.#context = context;
    this.#log = context.log.child({ run: runId });
    this.#retry = new LogRetry(context.clock, this.#log);
  }

  /** False as long as it isn't known at which offset the text begins. */
  get placed(): boolean {
    return this.#front.placed;
  }

  /** True when only what is left has to be read. */
  get urgent(): boolean {
    return this.#ending || this.#attempts[0]?.over !== undefined;
  }

  /** Reads this attempt too, or wakes one that waits for its container. */
  follow(source: LogSource): void {
    const latest = this.spool.facts.source;
    if (latest !== undefined && source.attempt < latest.attempt) return;
    const isKnown = this.#attempts.some(({ source: { podName } }) => podName === source.podName);
    const isNew = !isKnown && this.spool.isNew(source);
    // Known from an earlier process, or found again while nothing is read.
    const isLatest = latest === undefined || latest.podName === source.podName;
    const goesOn = isLatest && this.#attempts.length === 0 && !this.#ending && this.spool.facts.end === undefined;
    if (isNew || goesOn) this.#add(source);
    if (this.#attempts.length > 0) this.#wake();
  }

  /** The last attempt has ended. Answers when the log is complete. */
  end(stated: LogEnd | undefined): Promise<void> {
    this.#ending = true;
    const source = this.#attempts.at(-1)?.source ?? this.spool.facts.source;
    const { end } = this.spool.facts;
    const isDone = end !== undefined && this.#attempts.length === 0;
    if (isDone && (stated === undefined || end.compared === true)) return Promise.resolve();
    if (this.#attempts.length === 0 && source !== undefined) this.#attempts.push({ source, streams: "open" });
    const last = this.#attempts.at(-1);
    if (last !== undefined) {
      last.over ??= this.#context.clock.monotonic();
      if (stated !== undefined) last.stated = stated;
    }
    this.#front.settle();
    this.#following?.nudge();
    this.#retry.reset();
    this.#context.turns.wake(this);
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** Answers when what `end` began is done. */
  complete(): Promise<void> {
    const isDone = this.#attempts.length === 0 && this.spool.facts.end !== undefined;
    return isDone || !this.#ending ? Promise.resolve() : new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** A reader wants the text from `offset` on: settles where the text begins when that is open. */
  async place(offset: number): Promise<void> {
    if (!this.#front.place(offset, this.spool.facts.bytes)) return;
    this.#again = true;
    this.#interrupt?.abort(new Error("The log is read again"));
    await this.spool.restart(offset);
    this.#context.turns.wake(this);
  }

  /** Stops what is under way; what was read stays. */
  stop(): void {
    this.#interrupt?.abort(new Error("The log is not followed any more"));
    this.#context.turns.remove(this);
    this.#attempts = [];
    this.#settle();
  }

  async turn(): Promise<number | undefined> {
    try {
      return await this.#turn();
    } catch (error) {
      if (this.#context.signal.aborted || this.#attempts.length === 0) return undefined;
      return this.#retry.failed(error, this.spool.facts.bytes);
    } finally {
      await this.spool.rest().catch(() => undefined);
    }
  }

  #add(source: LogSource): void {
    const { clock } = this.#context;
    const last = this.#attempts.at(-1);
    if (last !== undefined) {
      last.over ??= clock.monotonic();
      this.#following?.nudge();
    } else if (this.spool.facts.source === undefined) {
      this.#front.begin(source, clock.now());
    }
    this.#ending = false;
    this.#wokenAt = Number.NEGATIVE_INFINITY;
    this.#attempts.push({ source, streams: "open" });
  }

  #wake(): void {
    const now = this.#context.clock.monotonic();
    const isAtEnd = this.#attempts.length === 1 && this.#attempts[0]?.streams === "sure";
    if (isAtEnd || this.#interrupt !== undefined || now - this.#wokenAt < WAKE_MS) return;
    this.#wokenAt = now;
    this.#context.turns.wake(this);
  }

  async #turn(): Promise<number | undefined> {
    const [attempt] = this.#attempts;
    if (attempt === undefined) return this.#ending ? this.#finish() : undefined;
    await this.spool.begin(attempt.source);
    if (attempt.over !== undefined) {
      if (this.spool.facts.end !== undefined) await this.spool.reopen();
      await this.#drain(attempt, attempt.over);
      this.#compared = attempt.stated !== undefined;
      this.#attempts.shift();
      this.#retry.reset();
      return this.#attempts.length > 0 || this.#ending ? 0 : undefined;
    }
    const { turns } = this.#context;
    if ((turns.crowded && !this.#talks) || this.#front.mustBeRead) {
      const { bytes } = await this.#open((streams) => readLogNow(streams, { gap: "mark" }), attempt);
      this.#front.read();
      this.#talks = bytes > 0;
      if (bytes > 0) attempt.streams = "open";
      if (bytes === 0 && turns.crowded) return this.#pause();
    }
    if (attempt.over !== undefined) return 0;
    return await this.#open((streams) => this.#follow(attempt, streams), attempt);
  }

  #drain(attempt: AttemptLog, over: number): Promise<void> {
    const { clock } = this.#context;
    return this.#open(
      (streams) =>
        drainLog({
          spool: this.spool,
          clock,
          signal: streams.signal,
          overMs: clock.monotonic() - over,
          streams: attempt.streams,
          ...(attempt.stated === undefined ? {} : { stated: attempt.stated }),
          read: async ({ gap, whole }) => {
            const reading = await readLogNow({ ...streams, whole }, { gap });
            if (reading.words !== "") this.#log.debug("The node answers without a log", { words: reading.words });
            return reading;
          },
          count: () => countLog(streams),
          firstTime: () => this.#timeOf(attempt, "first", streams.signal),
        }),
      attempt,
    );
  }

  async #follow(attempt: AttemptLog, streams: Omit<LogStreamOptions, "follow">): Promise<number> {
    const { clock, turns } = this.#context;
    const following = new Following({
      clock,
      crowded: () => turns.crowded,
      position: () => this.spool.facts.position,
      over: () => this.#overAs(attempt),
      hasStarted: attempt.source.startedAt !== undefined,
      stream: (how) => new LogStream({ ...streams, ...how }),
      timeOf: (which, signal) => this.#timeOf(attempt, which, signal),
      memory: this.#memory,
      signal: streams.signal,
    });
    this.#following = following;
    const [began, before] = [clock.monotonic(), attempt.streams];
    try {
      const followed = await following.run();
      this.#talks = followed.bytes > 0;
      if (this.#talks) this.#retry.reset();
      attempt.streams = streamEnd(before, followed, clock.monotonic() - began);
      if (attempt.over !== undefined || this.#again) return 0;
      if (followed.yielded) return this.#talks ? 0 : this.#pause();
      return attempt.streams === "sure" ? this.#pause() : this.#retry.next(attempt.streams === "once");
    } catch (error) {
      attempt.streams = streamFailure(before, error, clock.monotonic() - began);
      throw error;
    } finally {
      this.#following = undefined;
    }
  }

  #overAs({ over, stated }: AttemptLog): ReturnType<FollowOptions["over"]> {
    if (over === undefined) return undefined;
    if (stated === undefined) return "unstated";
    return this.spool.facts.content >= stated.bytes ? "whole" : "partly";
  }

  /** Works with streams of this attempt's log, which whoever interrupts closes. */
  async #open<T>(work: (streams: Omit<LogStreamOptions, "follow">) => Promise<T>, attempt: AttemptLog): Promise<T> {
    const interrupt = new AbortController();
    this.#interrupt = interrupt;
    this.#again = false;
    const { api, namespace, clock, signal } = this.#context;
    try {
      return await work({
        api,
        namespace,
        clock,
        source: attempt.source,
        spool: this.spool,
        front: (first) => this.#front.isMissing(attempt.source, first, attempt.stated !== undefined),
        signal: AbortSignal.any([interrupt.signal, signal]),
      });
    } finally {
      if (this.#interrupt === interrupt) this.#interrupt = undefined;
    }
  }

  #timeOf(attempt: AttemptLog, which: "first" | "last", signal: AbortSignal): Promise<string> {
    return readLineTime(this.#context.api, this.#context.namespace, attempt.source, which, signal);
  }

  async #finish(): Promise<undefined> {
    if (this.spool.facts.end === undefined) await finishSpool(this.spool, this.#compared);
    this.#settle();
  }

  #settle(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }

  /** Pause before the next look at a log that says nothing. */
  #pause(): number {
    const { turns, clock } = this.#context;
    const ms = Math.max(SILENT_MS, (turns.resting / LOOKS_PER_SECOND) * 1000);
    return ms * (0.75 + clock.random() / 2);
  }
}
