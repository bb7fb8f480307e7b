import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { fileSize, joinPath } from "../../runtime/files.ts";
import { readIntent, readReleased, removeRunDirectory, writeReleased } from "./run-directory.ts";

/** What retention stands on. */
export interface RetentionOptions {
  readonly runsDirectory: string;
  /** So many released runs stay readable. */
  readonly keep: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps the newest released runs and removes the older ones. */
export class Retention {
  readonly #options: RetentionOptions;
  /** Released runs that are still there, with the moment of their release. */
  readonly #released = new Map<string, number>();

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** Learns which of these runs were released before. */
  async load(runIds: readonly string[]): Promise<void> {
    for (const runId of runIds) {
      const directory = joinPath(this.#options.runsDirectory, runId);
      if ((await fileSize(joinPath(directory, "released.json"))) === undefined) continue;
      const released = await readReleased(directory).catch(() => undefined);
      this.#released.set(runId, released?.at ?? 0);
    }
    await this.#removeOldest();
  }

  /** True for a run whose end was acknowledged. */
  has(runId: string): boolean {
    return this.#released.has(runId);
  }

  /** Notes durably that a run's end was acknowledged. */
  async release(runId: string): Promise<void> {
    if (this.#released.has(runId)) return;
    const at = this.#options.clock.now();
    await writeReleased(joinPath(this.#options.runsDirectory, runId), at);
    this.#released.set(runId, at);
    await this.#removeOldest();
  }

  async #removeOldest(): Promise<void> {
    const surplus = this.#released.size - this.#options.keep;
    if (surplus <= 0) return;
    const oldest = [...this.#released].sort(([, left], [, right]) => left - right).slice(0, surplus);
    for (const [runId] of oldest) await this.#remove(runId);
  }

  async #remove(runId: string): Promise<void> {
    const directory = joinPath(this.#options.runsDirectory, runId);
    try {
      const intent = await readIntent(directory).catch(() => undefined);
      // As long as it could be asked for again, the directory is the proof that it has run.
      if (intent !== undefined && intent.spec.startBefore >= this.#options.clock.now()) return;
      await removeRunDirectory(directory);
      this.#released.delete(runId);
    } catch (error) {
      this.#options.log.warn("A released run can't be removed", { runId, error: describeError(error) });
    }
  }
}
