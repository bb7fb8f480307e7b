import type { Clock } from "../base/clock.ts";
import { CodedError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { fileSize, joinPath } from "../runtime/files.ts";
import { openTokenKeys, TOKEN_KEY_FILE, type TokenKeys } from "./auth/keys.ts";
import { openStoreKey } from "./auth/store-key.ts";
import type { GatewayConfig } from "./config.ts";
import { GATEWAY_ERRORS } from "./errors.ts";
import type { LogCeilings } from "./store/kept.ts";
import { openSqliteStore } from "./store/sqlite-store.ts";
import type { Store } from "./store/store.ts";

/** Name of the database in the gateway's data directory. */
export const DATABASE_FILE = "gateway.db";

const MEGABYTE = 1_000_000;

/** What the gateway keeps on disk. Several processes may have it open: the gateway, and commands beside it. */
export interface GatewayData {
  readonly store: Store;
  readonly keys: TokenKeys;
}

/** True where there is no database yet. What keeps it from being looked at is told by whoever opens it. */
export async function isFirstStart({ dataDirectory }: Pick<GatewayConfig, "dataDirectory">): Promise<boolean> {
  return (await fileSize(joinPath(dataDirectory, DATABASE_FILE)).catch(() => 0)) === undefined;
}

/** Opens database and keys, making what is missing. @throws CodedError KeyFileUnusable, StoreUnavailable, StoreTooNew, WrongStoreKey */
export async function openGatewayData(
  config: Pick<GatewayConfig, "dataDirectory" | "storeKeyFile">,
  options: { readonly clock: Clock; readonly log: Log; readonly ceilings?: LogCeilings },
): Promise<GatewayData> {
  const keys = await openTokenKeys(config.dataDirectory);
  const key = await openStoreKey(config.storeKeyFile);
  const store = await openSqliteStore({ path: joinPath(config.dataDirectory, DATABASE_FILE), key, ...options });
  return { store, keys };
}

/**
 * Opens what a gateway has made, for a command beside it. Nothing is made: tokens signed with a key of our own would be refused by
 * every gateway, and files of another user would shut the gateway out.
 * @throws CodedError NoGatewayData, and what `openGatewayData` throws
 */
export async function openPresentGatewayData(
  config: Pick<GatewayConfig, "dataDirectory" | "storeKeyFile">,
  surroundings: { readonly clock: Clock; readonly log: Log },
): Promise<GatewayData> {
  const { dataDirectory, storeKeyFile } = config;
  for (const path of [joinPath(dataDirectory, DATABASE_FILE), joinPath(dataDirectory, TOKEN_KEY_FILE), storeKeyFile]) {
    if ((await fileSize(path).catch(() => 0)) !== undefined) continue;
    throw new CodedError(
      GATEWAY_ERRORS.NoGatewayData,
      `Cannot find the data of a gateway in ${dataDirectory}: ${path} is not there, so no gateway has run on it`,
    );
  }
  return openGatewayData(config, surroundings);
}

/** How much log the gateway stores by its settings. */
export function logCeilings({
  runLogLimitMb,
  runnerLogLimitMb,
  storeLogLimitMb,
}: Pick<GatewayConfig, "runLogLimitMb" | "runnerLogLimitMb" | "storeLogLimitMb">): LogCeilings {
  return {
    runBytes: runLogLimitMb * MEGABYTE,
    runnerBytes: runnerLogLimitMb * MEGABYTE,
    storeBytes: storeLogLimitMb * MEGABYTE,
  };
}
