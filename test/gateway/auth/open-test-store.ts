import { onTestFinished } from "vitest";
import type { Clock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { type GatewayData, openGatewayData } from "../../../src/gateway/data-directory.ts";
import { temporaryDirectory } from "../../fakes/temporary-directory.ts";

/** Database and keys of a gateway in a directory of this test's own. */
export async function openTestData(clock: Clock): Promise<GatewayData & { readonly directory: string }> {
  const directory = await temporaryDirectory();
  const config = { dataDirectory: directory, storeKeyFile: `${directory}/store.key` };
  const data = await openGatewayData(config, { clock, log: silentLog });
  onTestFinished(() => data.store.close());
  return { ...data, directory };
}
