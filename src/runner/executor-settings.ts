import type { Settings } from "../config/settings.ts";
import type { ProcessExecutorOptions } from "../executor/process/process-executor.ts";
import { absolutePath } from "../runtime/files.ts";
import { environment, selfCommand } from "../runtime/system.ts";
import type { SecretsSettings } from "../secrets/settings.ts";

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
  };
}

function secretsSettings(settings: Settings): SecretsSettings {
  if (settings.secretsManager === "env") return { provider: "env", prefix: settings.secretsEnvPrefix };
  return { provider: "file", path: absolutePath(settings.secretsDirectory ?? settings.secretsFile ?? "") };
}
