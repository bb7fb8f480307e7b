import { type Kysely, sql } from "kysely";
import { BOUNDS } from "../../protocol/bounds.ts";
import type { LogCeiling, LogCeilings } from "./kept.ts";
import type { Database } from "./tables.ts";

/**
 * How much log is stored, and how much of failures, by runner and in all, so that the ceilings cost no query at each piece. What is under way in
 * other writes of the same moment isn't counted yet, so a ceiling may be passed by a few chunks.
 */
export class LogUsage {
  readonly #db: Kysely<Database>;
  readonly #ceilings: LogCeilings;
  #byRunner: Map<string, number> | undefined;
  #total = 0;

  constructor(db: Kysely<Database>, ceilings: LogCeilings) {
    this.#db = db;
    this.#ceilings = ceilings;
  }

  /** Counts what is there, if that isn't known. */
  async count(within: Kysely<Database> = this.#db): Promise<void> {
    if (this.#byRunner !== undefined) return;
    const counted = await this.#read(within);
    this.#byRunner = counted;
    this.#total = [...counted.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** The ceiling that keeps `bytes` more of a run's log out; undefined when there is room. `uncounted` is stored, but not added yet. */
  ceilingFor(
    run: { readonly runnerId: string; readonly stored: number },
    bytes: number,
    uncounted: number,
  ): LogCeiling | undefined {
    const { runBytes, runnerBytes, storeBytes } = this.#ceilings;
    const more = uncounted + bytes;
    if (run.stored + bytes > runBytes) return "run";
    if ((this.#byRunner?.get(run.runnerId) ?? 0) + more > runnerBytes) return "runner";
    return this.#total + more > storeBytes ? "store" : undefined;
  }

  /** So many bytes more of a runner's logs are stored. */
  add(runnerId: string, bytes: number): void {
    this.#byRunner?.set(runnerId, (this.#byRunner.get(runnerId) ?? 0) + bytes);
    this.#total += bytes;
  }

  /** Logs were removed: what is there is counted anew before the next piece. */
  forget(): void {
    this.#byRunner = undefined;
  }

  async #read(within: Kysely<Database>): Promise<Map<string, number>> {
    const rows = await within
      .selectFrom("run")
      .select([
        "runner_id",
        // A damaged row counts nothing.
        sql<number>`sum(iif(log_stored between 0 and ${BOUNDS.logBytes.most}, log_stored, 0) + coalesce(octet_length(failure_json), 0))`.as(
          "bytes",
        ),
      ])
      .groupBy("runner_id")
      .execute();
    return new Map(rows.map((row) => [row.runner_id, row.bytes]));
  }
}
