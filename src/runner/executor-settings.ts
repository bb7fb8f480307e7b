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
    maskedVariables: settings.maskedVariables,
    supervisorVariables: supervisorVariables(settings),
    secrets: { ...secretsSettings(settings) },
    graceMs: settings.stopGraceSeconds * 1000,
    selfCommand: selfCommand(),
    keepReleased: settings.keepRuns,
    keepReleasedDays: settings.keepRunsDays,
    ...(settings.reuseSupervisors ? {} : { keepSupervisorsMs: 0 }),
  };
}

/** Where the provider of the secret store looks in its environment. */
function supervisorVariables({ secretsManager, secretsEnvPrefix }: Settings): readonly string[] {
  if (secretsManager === "env") return [`${secretsEnvPrefix}*`];
  return secretsManager === "kubernetes" ? ["KUBECONFIG", "KUBERNETES_SERVICE_*"] : [];
}

function secretsSettings(settings: Settings): SecretsSettings {
  const { ingestionNamespace: namespace, kubeContext: context } = settings;
  if (settings.secretsManager === "kubernetes") {
    return {
      provider: "kubernetes",
      ...(namespace === undefined ? {} : { namespace }),
      ...(context === undefined ? {} : { context }),
    };
  }
  if (settings.secretsManager === "env") return { provider: "env", prefix: settings.secretsEnvPrefix };
  if (settings.secretsManager !== "file") return { provider: "absent", store: settings.secretsManager };
  return { provider: "file", path: absolutePath(settings.secretsDirectory ?? settings.secretsFile ?? "") };
}
