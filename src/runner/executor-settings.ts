import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Settings } from "../config/settings.ts";
import { openExecutor } from "../executor/catalogue.ts";
import type { Executor } from "../executor/executor.ts";
import type { ProcessExecutorOptions } from "../executor/process/process-executor.ts";
import { absolutePath } from "../runtime/files.ts";
import { environment, selfCommand } from "../runtime/system.ts";
import type { SecretsSettings } from "../secrets/settings.ts";

/** Opens the executor that the settings name. @throws CodedError of that executor's own kinds */
export function openConfiguredExecutor(
  settings: Settings & { readonly dataDirectory: string },
  clock: Clock,
  log: Log,
): Promise<Executor> {
  if (settings.executorType !== "process") return openExecutor(settings.executorType, {});
  return openExecutor("process", { ...processExecutorSettings(settings), clock, log });
}

/** What the process executor is told, from the runner's settings. */
export function processExecutorSettings(
  settings: Settings & { readonly dataDirectory: string },
): Omit<ProcessExecutorOptions, "clock" | "log"> {
  return {
    dataDirectory: settings.dataDirectory,
    command: settings.ingestionCommand ?? [],
    environment: environment(),
    programVariables: settings.ingestionExtraEnvs,
    supervisorVariables: settings.secretsManager === "env" ? [`${settings.secretsEnvPrefix}*`] : [],
    secrets: { ...secretsSettings(settings) },
    graceMs: settings.stopGraceSeconds * 1000,
    selfCommand: selfCommand(),
    keepReleased: settings.keepRuns,
    keepReleasedDays: settings.keepRunsDays,
  };
}

function secretsSettings(settings: Settings): SecretsSettings {
  if (settings.secretsManager === "env") return { provider: "env", prefix: settings.secretsEnvPrefix };
  if (settings.secretsManager !== "file") return { provider: "absent", store: settings.secretsManager };
  return { provider: "file", path: absolutePath(settings.secretsDirectory ?? settings.secretsFile ?? "") };
}
