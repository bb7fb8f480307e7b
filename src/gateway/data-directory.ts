import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { joinPath } from "../runtime/files.ts";
import { openTokenKeys, type TokenKeys } from "./auth/keys.ts";
import { openStoreKey } from "./auth/store-key.ts";
import type { GatewayConfig } from "./config.ts";
import { openSqliteStore } from "./store/sqlite-store.ts";
import type { Store } from "./store/store.ts";

/** Name of the database in the gateway's data directory. */
export const DATABASE_FILE = "gateway.db";

/** What the gateway keeps on disk. Several processes may have it open: the gateway, and commands beside it. */
export interface GatewayData {
  readonly store: Store;
  readonly keys: TokenKeys;
}

/** Opens database and keys, making what is missing. @throws CodedError KeyFileUnusable, StoreUnavailable, StoreTooNew, WrongStoreKey */
export async function openGatewayData(
  config: Pick<GatewayConfig, "dataDirectory" | "storeKeyFile">,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<GatewayData> {
  const keys = await openTokenKeys(config.dataDirectory);
  const key = await openStoreKey(config.storeKeyFile);
  const store = await openSqliteStore({ path: joinPath(config.dataDirectory, DATABASE_FILE), key, clock, log });
  return { store, keys };
}
