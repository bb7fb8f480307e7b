import type { Clock } from "../../../../base/clock.ts";
import { describeError } from "../../../../base/errors.ts";
import type { Log } from "../../../../base/log.ts";
import { Sweeper } from "../../../../base/sweeper.ts";
import { remove } from "../../../../runtime/files.ts";
import { listSpools, readReleased, spoolDirectory, writeReleased } from "./spool-directory.ts";

/** What retention stands on. */
export interface SpoolRetentionOptions {
  readonly dataDirectory: string;
  /** So many released spools stay readable. */
  readonly keep: number;
  /** A released spool stays readable for so long, in milliseconds. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** A spool that was never released and that nobody asked for in so long belongs to a run that vanished while nobody looked. */
const UNCLAIMED_MS = 86_400_000;

/** Keeps the newest released spools for a while and removes the others. What is not released stays. */
export class SpoolRetention {
  readonly #options: SpoolRetentionOptions;
  /** Released ones that are still there, and when that was. */
  readonly #released = new Map<string, number>();
  readonly #unclaimed = new Set<string>();
  #openedAt = 0;
  readonly #sweeper: Sweeper;

  constructor(options: SpoolRetentionOptions) {
    this.#options = options;
    this.#sweeper = new Sweeper({
      clock: options.clock,
      due: () => this.#due(),
      remove: (runId) => this.#remove(runId),
      untilNext: () => this.#untilNext(),
    });
  }

  /** Learns what is there. */
  async load(): Promise<void> {
    const { dataDirectory, clock } = this.#options;
    this.#openedAt = clock.monotonic();
    for (const runId of await listSpools(dataDirectory)) {
      const at = await readReleased(spoolDirectory(dataDirectory, runId)).catch(() => 0);
      if (at === undefined) this.#unclaimed.add(runId);
      else this.#released.set(runId, at);
    }
    await this.#sweeper.sweep();
  }

  /** True when a spool of this run was there at the start, or was released since. */
  isThere(runId: string): boolean {
    return this.#released.has(runId) || this.#unclaimed.has(runId);
  }

  isReleased(runId: string): boolean {
    return this.#released.has(runId);
  }

  /** Somebody knows this run. */
  claim(runId: string): void {
    this.#unclaimed.delete(runId);
  }

  /** Notes durably that a run's log was acknowledged. @throws the system's error */
  async release(runId: string): Promise<void> {
    if (this.#released.has(runId)) return;
    const { dataDirectory, clock } = this.#options;
    const at = clock.now();
    await writeReleased(spoolDirectory(dataDirectory, runId), at);
    this.#unclaimed.delete(runId);
    this.#released.set(runId, at);
    void this.#sweeper.sweep();
  }

  /** Removes nothing any more. */
  close(): Promise<void> {
    return this.#sweeper.close();
  }

  #due(): readonly string[] {
    const { keep, keepMs, clock } = this.#options;
    const now = clock.now();
    const oldestFirst = [...this.#released].sort(([, left], [, right]) => left - right);
    const surplus = oldestFirst.length - keep;
    const old = oldestFirst.filter(([, at], index) => index < surplus || at + keepMs < now).map(([runId]) => runId);
    return clock.monotonic() - this.#openedAt > UNCLAIMED_MS ? [...old, ...this.#unclaimed] : old;
  }

  #untilNext(): number | undefined {
    if (this.#released.size + this.#unclaimed.size === 0) return undefined;
    const { clock, keepMs } = this.#options;
    const oldest = Math.min(...this.#released.values(), clock.now());
    return oldest + keepMs - clock.now() + 1;
  }

  async #remove(runId: string): Promise<void> {
    try {
      await remove(spoolDirectory(this.#options.dataDirectory, runId));
      this.#released.delete(runId);
      this.#unclaimed.delete(runId);
    } catch (error) {
      this.#options.log.warn("A released log can't be removed; it is tried again later", {
        run: runId,
        error: describeError(error),
        next: "Check the rights and the health of the data directory's file system",
      });
    }
  }
}
