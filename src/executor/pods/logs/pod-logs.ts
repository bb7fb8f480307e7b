import { sleep } from "../../../base/clock.ts";
import type { LogEnd } from "../../../protocol/messages.ts";
import { makeDirectory } from "../../../runtime/files.ts";
import type { LogPiece } from "../../executor.ts";
import type { KubernetesExecutorOptions } from "../options.ts";
import type { LogSource } from "./log-source.ts";
import { LogTurns } from "./log-turns.ts";
import { PodLog } from "./pod-log.ts";
import { Spool } from "./spool/spool.ts";
import { spoolDirectory, spoolsDirectory } from "./spool/spool-directory.ts";
import { readSpoolPiece, readSpoolTail } from "./spool/spool-reader.ts";
import { SpoolRetention } from "./spool/spool-retention.ts";

export type { LogSource } from "./log-source.ts";

/** What the logs of pods stand on. */
export interface PodLogsOptions
  extends Pick<
    KubernetesExecutorOptions,
    "api" | "namespace" | "dataDirectory" | "keepReleased" | "keepReleasedDays" | "clock" | "log"
  > {
  /** So many logs are followed at once; the others are read in turn. 200 when absent. */
  readonly streams?: number;
}

/**
 * Logs of runs in pods, spooled on the runner's disk so that a byte keeps its offset. What the cluster still has is read again
 * until it is here; what it has no more is marked in the log where it is missing.
 */
export interface PodLogs {
  /**
   * From now on the log of this attempt is spooled. Idempotent; never throws, and waits by itself until the container has started
   * (call it again when it has: that ends the wait). With the next attempt, the one before is drained first.
   */
  follow(source: LogSource): void;
  /**
   * The container has ended: reads what is left, compares it with what the wrapper stated, and answers what the whole log came
   * to; undefined when it isn't complete within 10 seconds, or isn't whole. It goes on in the background then, and `ended` tells
   * what comes of it. The log ends with the attempt that was followed last; a later `follow` opens it again.
   */
  end(runId: string, stated?: LogEnd): Promise<LogEnd | undefined>;
  /** Waits for what `end` began, however long it takes, and answers as it does. At `close` it may never answer. */
  ended(runId: string): Promise<LogEnd | undefined>;
  /** Up to `limit` bytes (at least 4) from `offset`, in whole characters; no I/O when nothing is there. */
  read(runId: string, offset: number, limit: number): Promise<LogPiece>;
  /** The last lines that are there, without our own notes removed. */
  tail(runId: string, lines: number): Promise<readonly string[]>;
  /** Appends a line of ours, as `[hybrid-runner: line]`. */
  note(runId: string, line: string): Promise<void>;
  /** The log is acknowledged: it stays readable on site until retention removes it. Idempotent. */
  release(runId: string): Promise<void>;
  /** Follows no more; what was read stays on the disk. */
  close(): Promise<void>;
}

const STREAMS = 200;
/** Ended logs needn't wait for a place among those who go on. */
const DRAINS = 16;
/** What a run's end waits for its log. */
const END_MS = 10_000;
const DAY_MS = 86_400_000;

/** Opens the spools of a data directory. @throws the system's error when their directory can't be made */
export async function openPodLogs(options: PodLogsOptions): Promise<PodLogs> {
  const { dataDirectory, clock, log, keepReleased: keep, keepReleasedDays } = options;
  await makeDirectory(spoolsDirectory(dataDirectory));
  const retention = new SpoolRetention({ dataDirectory, keep, keepMs: keepReleasedDays * DAY_MS, clock, log });
  await retention.load();
  return new SpooledPodLogs(options, retention);
}

class SpooledPodLogs implements PodLogs {
  readonly #options: PodLogsOptions;
  readonly #retention: SpoolRetention;
  readonly #abort = new AbortController();
  readonly #turns: LogTurns<PodLog>;
  readonly #logs = new Map<string, PodLog | Promise<PodLog>>();

  constructor(options: PodLogsOptions, retention: SpoolRetention) {
    this.#options = options;
    this.#retention = retention;
    const places = options.streams ?? STREAMS;
    this.#turns = new LogTurns({ clock: options.clock, places, urgentPlaces: DRAINS });
  }

  follow(source: LogSource): void {
    const log = this.#open(source.runId);
    if (log instanceof PodLog) log.follow(source);
    else {
      const failed = (error: unknown): void => {
        this.#options.log.warn("The spool of a run's log can't be opened", { run: source.runId, error });
      };
      log.then((opened) => opened.follow(source), failed);
    }
  }

  async end(runId: string, stated?: LogEnd): Promise<LogEnd | undefined> {
    const log = await this.#open(runId);
    const stop = new AbortController();
    const late = sleep(this.#options.clock, END_MS, stop.signal).catch(() => undefined);
    await Promise.race([log.end(stated), late]);
    stop.abort();
    return endOf(log);
  }

  async ended(runId: string): Promise<LogEnd | undefined> {
    const log = this.#retention.isReleased(runId) ? undefined : await this.#known(runId);
    await log?.complete();
    return log === undefined ? undefined : endOf(log);
  }

  async read(runId: string, offset: number, limit: number): Promise<LogPiece> {
    const nothing = { offset, text: "", nextOffset: offset, ended: false };
    if (this.#retention.isReleased(runId)) {
      const { directory, facts } = await this.#spool(runId);
      return readSpoolPiece(directory, { ...facts, end: facts.end ?? {} }, offset, limit);
    }
    const log = await this.#known(runId);
    if (log === undefined) return nothing;
    await log.place(offset);
    if (!log.placed) return nothing;
    return readSpoolPiece(log.spool.directory, log.spool.facts, offset, limit);
  }

  async tail(runId: string, lines: number): Promise<readonly string[]> {
    const log = await this.#known(runId);
    return log === undefined ? [] : readSpoolTail(log.spool.directory, log.spool.facts.bytes, lines);
  }

  async note(runId: string, line: string): Promise<void> {
    const log = await this.#open(runId);
    await log.spool.note(line);
    await log.spool.rest();
  }

  async release(runId: string): Promise<void> {
    const known = await this.#logs.get(runId);
    this.#logs.delete(runId);
    known?.stop();
    const isThere = known?.spool.facts.source !== undefined || (known?.spool.facts.bytes ?? 0) > 0;
    if (isThere || this.#retention.isThere(runId)) await this.#retention.release(runId);
  }

  async close(): Promise<void> {
    this.#abort.abort(new Error("The logs of pods are not followed any more"));
    await this.#turns.close();
    await this.#retention.close();
  }

  /** The log of a run that has a spool, or is being followed. */
  async #known(runId: string): Promise<PodLog | undefined> {
    const log = this.#logs.get(runId);
    if (log !== undefined) return log;
    return this.#retention.isThere(runId) ? this.#open(runId) : undefined;
  }

  /** Whoever asks first is served first. */
  #open(runId: string): PodLog | Promise<PodLog> {
    const known = this.#logs.get(runId);
    if (known !== undefined) return known;
    this.#retention.claim(runId);
    const opening = this.#load(runId).then(
      (log) => {
        if (this.#logs.get(runId) === opening) this.#logs.set(runId, log);
        return log;
      },
      (error: unknown) => {
        this.#logs.delete(runId);
        throw error;
      },
    );
    this.#logs.set(runId, opening);
    return opening;
  }

  #spool(runId: string): Promise<Spool> {
    return Spool.open(spoolDirectory(this.#options.dataDirectory, runId), this.#options.clock);
  }

  async #load(runId: string): Promise<PodLog> {
    const { api, namespace, clock, log } = this.#options;
    const spool = await this.#spool(runId);
    return new PodLog(runId, spool, { api, namespace, clock, log, turns: this.#turns, signal: this.#abort.signal });
  }
}

function endOf({ spool }: PodLog): LogEnd | undefined {
  const { end, bytes } = spool.facts;
  return end?.sha256 === undefined ? undefined : { bytes, sha256: end.sha256 };
}
