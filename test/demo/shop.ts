import { join } from "node:path";
import { connectionString, createShopDatabase } from "../../src/demo/shop/database.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

/** A shop database of this test's own, in a folder whose name needs escaping. */
export async function makeShop(): Promise<{ directory: string; database: string; connection: string }> {
  const directory = await temporaryDirectory();
  const database = join(directory, "shop 100%.db");
  createShopDatabase(database);
  return { directory, database, connection: connectionString(database) };
}

/** A workflow configuration as the gateway composes it. */
export function workflowConfig(connection: unknown, filename: string, sourceConfig: object = {}): string {
  return JSON.stringify({
    source: {
      type: "sqlite",
      serviceName: "shop",
      serviceConnection: { config: connection },
      sourceConfig: { config: { type: "DatabaseMetadata", ...sourceConfig } },
    },
    sink: { type: "file", config: { filename } },
    workflowConfig: {},
  });
}
