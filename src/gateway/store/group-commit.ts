import type { Kysely, Transaction } from "kysely";
import { nextTurn } from "../../base/clock.ts";
import type { Database } from "./tables.ts";

/** A write of the store. It may be run twice, so it touches nothing but the database. */
export type Write = <T>(work: (transaction: Transaction<Database>) => Promise<T>) => Promise<T>;

/** Writes that share a commit. */
export interface GroupCommit {
  /** Resolves with what `work` answers, once that is durable. @throws what `work` or the commit throws */
  readonly write: Write;
  /** Resolves when nothing is being written. */
  idle(): Promise<void>;
}

/** Writes that share a commit at most: a lock that is held longer makes others wait. */
const MOST_TOGETHER = 64;

interface Waiting {
  /** Runs the work; answers how to tell its caller once it is durable. */
  readonly run: (transaction: Transaction<Database>) => Promise<() => void>;
  readonly reject: (error: unknown) => void;
}

/**
 * Each commit is synced to the disk, which costs far more than most writes; those that are asked for while another commit is
 * under way, or in the same turn of the event loop, share one. None is told as done before all of them are durable.
 */
export function createGroupCommit(db: Kysely<Database>): GroupCommit {
  const waiting: Waiting[] = [];
  let committing: Promise<void> | undefined;

  async function commitAll(): Promise<void> {
    while (waiting.length > 0) {
      await nextTurn();
      const together = waiting.splice(0, MOST_TOGETHER);
      try {
        await commit(together);
      } catch (error) {
        const [only] = together;
        if (together.length === 1) only?.reject(error);
        // One that fails undoes them all, so each is tried by itself.
        else for (const one of together) await commit([one]).catch(one.reject);
      }
    }
    committing = undefined;
  }

  async function commit(together: readonly Waiting[]): Promise<void> {
    const tellings = await db.transaction().execute(async (transaction) => {
      const told: (() => void)[] = [];
      for (const one of together) told.push(await one.run(transaction));
      return told;
    });
    for (const tell of tellings) tell();
  }

  return {
    write: (work) =>
      new Promise((resolve, reject) => {
        waiting.push({
          run: async (transaction) => {
            const answer = await work(transaction);
            return () => resolve(answer);
          },
          reject,
        });
        committing ??= commitAll();
      }),
    idle: async () => committing,
  };
}
