import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { GATEWAY_FLAGS, readGatewayConfig } from "../gateway/config.ts";
import { startGateway } from "../gateway/gateway.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { writeError } from "../runtime/system.ts";
import { stopInTime, untilSignal } from "./until-signal.ts";

export const flags: FlagTable = GATEWAY_FLAGS;

/** `hybrid-runner gateway`: the gateway, until TERM, INT or HUP; a second signal ends it at once. */
export async function run(args: readonly string[]): Promise<number> {
  const config = await readGatewayConfig(args);
  const log = createLog({
    clock: systemClock,
    level: config.logLevel,
    format: config.logFormat,
    write: (line) => void writeError(line),
  });
  const gateway = await startGateway(config, { clock: systemClock, log });
  const signal = await untilSignal(systemClock);
  log.info("The gateway stops", { signal });
  await stopInTime(gateway.close(), systemClock, log);
  return 0;
}
