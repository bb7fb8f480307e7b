import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { Sweeper } from "../../base/sweeper.ts";
import { fileSize, joinPath } from "../../runtime/files.ts";
import { readIntent, readReleased, removeRunDirectory, sweepReleased, writeReleased } from "./run-directory.ts";

/** What retention stands on. */
export interface RetentionOptions {
  readonly runsDirectory: string;
  /** So many released runs stay readable. */
  readonly keep: number;
  /** A released run stays readable for so long, in milliseconds. */
  readonly keepMs: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Of a run whose intent can't be read, this is taken for the time in which it could be asked for again. */
const UNKNOWN_PROOF_MS = 600_000;

interface Released {
  readonly runId: string;
  /** When it was released. */
  readonly at: number;
  /** As long as it could be asked for again, the directory is the proof that it has run. */
  readonly proofUntil: number;
}

/** Keeps the newest released runs for a while and removes the others. What is not released is never touched. */
export class Retention {
  readonly #options: RetentionOptions;
  /** Released runs that are still there. */
  readonly #released = new Map<string, Released>();
  readonly #sweeper: Sweeper;

  constructor(options: RetentionOptions) {
    this.#options = options;
    this.#sweeper = new Sweeper({
      clock: options.clock,
      due: () => this.#due(),
      remove: (runId) => this.#remove(runId),
      untilNext: () => this.#untilNext(),
    });
  }

  /** Learns which of these runs were released before. */
  async load(runIds: readonly string[]): Promise<void> {
    for (const runId of runIds) {
      const directory = this.#directory(runId);
      if ((await fileSize(joinPath(directory, "released.json"))) === undefined) continue;
      const released = await readReleased(directory).catch(() => undefined);
      await this.#note(runId, released?.at ?? 0);
    }
    await this.#sweeper.sweep();
  }

  /** True for a run whose end was acknowledged. */
  has(runId: string): boolean {
    return this.#released.has(runId);
  }

  /** Notes durably that a run's end was acknowledged. */
  async release(runId: string): Promise<void> {
    if (this.#released.has(runId)) return;
    const at = this.#options.clock.now();
    await writeReleased(this.#directory(runId), at);
    await this.#note(runId, at);
    await this.#sweeper.sweep();
  }

  /** Removes nothing any more. */
  close(): Promise<void> {
    return this.#sweeper.close();
  }

  async #note(runId: string, at: number): Promise<void> {
    await sweepReleased(this.#directory(runId)).catch(() => undefined);
    const intent = await readIntent(this.#directory(runId)).catch(() => undefined);
    this.#released.set(runId, { runId, at, proofUntil: intent?.spec.startBefore ?? at + UNKNOWN_PROOF_MS });
  }

  #due(): readonly string[] {
    const now = this.#options.clock.now();
    return this.#moments().flatMap(([{ runId }, moment]) => (moment < now ? [runId] : []));
  }

  #untilNext(): number | undefined {
    if (this.#released.size === 0) return undefined;
    const soonest = Math.min(...this.#moments().map(([, moment]) => moment));
    return soonest - this.#options.clock.now() + 1;
  }

  /** When each may be removed: beyond the count at once, else when it is old enough; never before its proof is worthless. */
  #moments(): readonly (readonly [Released, number])[] {
    const { keep, keepMs } = this.#options;
    const oldestFirst = [...this.#released.values()].sort((left, right) => left.at - right.at);
    const surplus = oldestFirst.length - keep;
    return oldestFirst.map((released, index) => {
      const readableUntil = index < surplus ? released.at : released.at + keepMs;
      return [released, Math.max(readableUntil, released.proofUntil)];
    });
  }

  async #remove(runId: string): Promise<void> {
    try {
      await removeRunDirectory(this.#directory(runId));
      this.#released.delete(runId);
    } catch (error) {
      this.#options.log.warn("A released run can't be removed; it is tried again later", {
        run: runId,
        error: describeError(error),
        next: "Check the rights and the health of the data directory's file system",
      });
    }
  }

  #directory(runId: string): string {
    return joinPath(this.#options.runsDirectory, runId);
  }
}
