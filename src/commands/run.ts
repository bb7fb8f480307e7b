import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { readSettings } from "../config/read.ts";
import { startRunner } from "../runner/runner.ts";
import type { FlagTable } from "../runtime/arguments.ts";
import { writeError } from "../runtime/system.ts";
import type { FlagGroup } from "./command.ts";
import { CONFIG_FLAG, settingFlags } from "./setting-flags.ts";
import { stopInTime, untilSignal } from "./until-signal.ts";

/** Beside those that are settings. */
export const flags: FlagTable = CONFIG_FLAG;

/** Each setting is a flag, a variable and an entry of the file: docs/configuration.md. */
export const settings: readonly FlagGroup[] = settingFlags();

/** `hybrid-runner run`: the runner, until TERM, INT or HUP; a second signal ends it at once. */
export async function run(args: readonly string[]): Promise<number> {
  const { settings: told, warnings, origins } = await readSettings(args);
  const log = createLog({
    clock: systemClock,
    level: told.logLevel,
    format: told.logFormat,
    write: (line) => void writeError(line),
  });
  for (const warning of warnings) log.warn(warning);
  if (origins.agentId === "default")
    log.info("AGENT_ID is not set, so the runner has the default id", { runner: told.agentId });
  const runner = await startRunner(told, systemClock, log);
  log.info("Runner started", { runner: told.agentId, server: told.serverUrl, data: told.dataDirectory });
  const signal = await untilSignal(systemClock);
  log.info("Runner stops; its runs go on", { signal });
  await stopInTime(runner.stop(), systemClock, log);
  return 0;
}
