import { systemClock } from "../base/clock.ts";
import { createLog } from "../base/log.ts";
import { readSettings } from "../config/read.ts";
import { startRunner } from "../runner/runner.ts";
import { writeError } from "../runtime/system.ts";
import { stopInTime, untilSignal } from "./until-signal.ts";

/** `hybrid-runner run`: the runner, until TERM, INT or HUP; a second signal ends it at once. */
export async function run(args: readonly string[]): Promise<number> {
  const { settings, warnings } = await readSettings(args);
  const log = createLog({
    clock: systemClock,
    level: settings.logLevel,
    format: settings.logFormat,
    write: (line) => void writeError(line),
  });
  for (const warning of warnings) log.warn(warning);
  const runner = await startRunner(settings, systemClock, log);
  log.info("Runner started", { runner: settings.agentId, server: settings.serverUrl, data: settings.dataDirectory });
  const signal = await untilSignal(systemClock);
  log.info("Runner stops; its runs go on", { signal });
  await stopInTime(runner.stop(), systemClock, log);
  return 0;
}
