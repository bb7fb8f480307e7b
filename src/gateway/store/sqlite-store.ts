import type { Clock } from "../../base/clock.ts";
import { CodedError } from "../../base/errors.ts";
import { type Log, silentLog } from "../../base/log.ts";
import type { Sensitive } from "../../base/sensitive.ts";
import { SEAL_KEY_BYTES } from "../../runtime/crypto.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import { openDatabase, storeFailure } from "./database.ts";
import { createGroupCommit } from "./group-commit.ts";
import type { LogCeilings } from "./kept.ts";
import { LogUsage } from "./log-usage.ts";
import { createLogStore } from "./logs.ts";
import { createPipelineStore } from "./pipelines.ts";
import { createRowReading } from "./readable.ts";
import { createRemovalStore } from "./removal.ts";
import { createRunnerStore } from "./runners.ts";
import { createRunStore } from "./runs.ts";
import { createServiceStore } from "./services.ts";
import type { Store } from "./store.ts";
import { createTokenStore } from "./tokens.ts";

/** What the store stands on. */
export interface SqliteStoreOptions {
  /** The database file; made when missing, readable by its owner only. */
  readonly path: string;
  /** 32 bytes that never lie beside the database; they seal the bot tokens. */
  readonly key: Sensitive<Uint8Array>;
  readonly clock: Clock;
  readonly log?: Log;
  /** Absent: none. */
  readonly ceilings?: LogCeilings;
}

const NO_CEILINGS: LogCeilings = {
  runBytes: Number.POSITIVE_INFINITY,
  runnerBytes: Number.POSITIVE_INFINITY,
  storeBytes: Number.POSITIVE_INFINITY,
};

/**
 * Opens the store in a SQLite file; several processes may have it open.
 * @throws CodedError StoreUnavailable, StoreTooNew, WrongStoreKey
 */
export async function openSqliteStore(options: SqliteStoreOptions): Promise<Store> {
  const { path, key, clock } = options;
  const log = options.log ?? silentLog;
  if (key.reveal().length !== SEAL_KEY_BYTES) {
    throw new CodedError(
      GATEWAY_ERRORS.WrongStoreKey,
      `Cannot open database ${path}: the key has ${key.reveal().length} bytes and must have ${SEAL_KEY_BYTES}`,
    );
  }
  const since = clock.monotonic();
  const db = await openDatabase(path, key, clock).catch((cause: unknown) => {
    throw storeFailure(`open database ${path}`, cause);
  });
  log.debug("Database is open", { path, ms: Math.round(clock.monotonic() - since) });
  const { write, idle } = createGroupCommit(db);
  const reading = createRowReading(log);
  const usage = new LogUsage(db, options.ceilings ?? NO_CEILINGS);
  let closing: Promise<void> | undefined;
  return {
    ...guarded(createRunnerStore(db, reading)),
    ...guarded(createTokenStore(db, reading)),
    ...guarded(createServiceStore(db, reading)),
    ...guarded(createPipelineStore(db, key, reading)),
    ...guarded(createRunStore(db, { write, reading, usage, log })),
    ...guarded(createLogStore(db, { write, reading, usage, log })),
    ...guarded(createRemovalStore(db, write, usage)),
    isUnreadable: reading.isUnreadable,
    close: () => {
      closing ??= idle().then(() => db.destroy());
      return closing;
    },
  };
}

/** The same methods, whose failures are all coded. */
function guarded<T extends object>(part: T): T {
  const methods = Object.entries(part).map(([name, method]) => [
    name,
    async (...input: unknown[]): Promise<unknown> => {
      try {
        return await method(...input);
      } catch (cause) {
        throw storeFailure(`use the store (${name})`, cause);
      }
    },
  ]);
  return Object.fromEntries(methods) as T;
}
