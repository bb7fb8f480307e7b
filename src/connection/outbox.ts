import type { RunReport } from "../protocol/messages.ts";
import { isTerminal, supersedes } from "../protocol/run-state.ts";

interface Entry {
  report: RunReport;
  /** Number it was sent with in this session; undefined while it waits. */
  seq: number | undefined;
}

/** How full the outbox is. */
export interface OutboxStats {
  /** Reports not yet acknowledged, sent or not. */
  readonly unacknowledged: number;
  /** Those of them that tell the end of an attempt. */
  readonly terminal: number;
  /** Those that were not sent in this session. */
  readonly waiting: number;
}

/**
 * Reports on their way to the gateway: per attempt of a run only the newest, kept until it is acknowledged, over any
 * number of sessions. Its size is bounded by the runs that exist: a newer state takes the place of an older one.
 */
export class Outbox {
  /** In the order in which they were put; a key is one attempt of one run. */
  readonly #entries = new Map<string, Entry>();
  readonly #attempts = new Map<string, Set<number>>();
  readonly #waiting = new Set<Entry>();
  /** Sent entries in the order of their numbers. */
  readonly #sent = new Set<Entry>();
  readonly #onEmpty = new Set<() => void>();

  /** Takes a report. One that is older than what is known of the same attempt is dropped. */
  put(report: RunReport): void {
    const key = keyOf(report);
    const known = this.#entries.get(key);
    if (known === undefined) {
      this.#forgetEarlierAttempts(report);
      this.#add(key, report);
    } else if (supersedes(report, known.report) || report.state === known.report.state) {
      known.report = report;
      known.seq = undefined;
      this.#sent.delete(known);
      this.#waiting.add(known);
    }
  }

  /** A new session begins: everything unacknowledged is to be sent again, oldest first. */
  rewind(): void {
    this.#sent.clear();
    this.#waiting.clear();
    for (const entry of this.#entries.values()) {
      entry.seq = undefined;
      this.#waiting.add(entry);
    }
  }

  /** The report to be sent next, or undefined. It stays next until `sent` or `setAside`. */
  next(): RunReport | undefined {
    for (const entry of this.#waiting) return entry.report;
    return undefined;
  }

  /** The report that `next` gave was sent with this number. */
  sent(seq: number): void {
    const entry = this.#takeNext();
    if (entry === undefined) return;
    entry.seq = seq;
    this.#sent.add(entry);
  }

  /** The report that `next` gave can't be sent in this session; the others shall not wait for it. */
  setAside(): void {
    this.#takeNext();
  }

  /** Everything sent up to this number is stored; the answer is what may be forgotten now. */
  acknowledge(seq: number): readonly RunReport[] {
    const done: RunReport[] = [];
    for (const entry of this.#sent) {
      if (entry.seq === undefined || entry.seq > seq) break;
      this.#remove(entry);
      done.push(entry.report);
    }
    if (this.#entries.size === 0) for (const tell of this.#onEmpty) tell();
    return done;
  }

  /** Resolves when everything put so far is acknowledged. */
  emptied(): Promise<void> {
    if (this.#entries.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const tell = (): void => {
        this.#onEmpty.delete(tell);
        resolve();
      };
      this.#onEmpty.add(tell);
    });
  }

  stats(): OutboxStats {
    let terminal = 0;
    for (const { report } of this.#entries.values()) if (isTerminal(report.state)) terminal += 1;
    return { unacknowledged: this.#entries.size, terminal, waiting: this.#waiting.size };
  }

  #takeNext(): Entry | undefined {
    for (const entry of this.#waiting) {
      this.#waiting.delete(entry);
      return entry;
    }
    return undefined;
  }

  #add(key: string, report: RunReport): void {
    const entry: Entry = { report, seq: undefined };
    this.#entries.set(key, entry);
    this.#waiting.add(entry);
    const attempts = this.#attempts.get(report.runId) ?? new Set();
    this.#attempts.set(report.runId, attempts.add(report.attempt));
  }

  /** An earlier attempt's end is kept, its way there is no longer of interest. */
  #forgetEarlierAttempts(report: RunReport): void {
    for (const attempt of this.#attempts.get(report.runId) ?? []) {
      const earlier = this.#entries.get(keyOf({ runId: report.runId, attempt }));
      if (earlier === undefined || attempt > report.attempt || isTerminal(earlier.report.state)) continue;
      this.#remove(earlier);
    }
  }

  #remove(entry: Entry): void {
    const { runId, attempt } = entry.report;
    this.#entries.delete(keyOf(entry.report));
    this.#waiting.delete(entry);
    this.#sent.delete(entry);
    const attempts = this.#attempts.get(runId);
    attempts?.delete(attempt);
    if (attempts?.size === 0) this.#attempts.delete(runId);
  }
}

function keyOf(report: Pick<RunReport, "runId" | "attempt">): string {
  return `${report.runId}/${report.attempt}`;
}
