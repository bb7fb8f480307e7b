import { ARGO_SETTINGS, type ArgoSettings } from "./settings/argo.ts";
import { CLUSTER_SETTINGS, type ClusterSettings } from "./settings/cluster.ts";
import { CONNECTION_SETTINGS, type ConnectionSettings } from "./settings/connection.ts";
import { EXECUTOR_SETTINGS, type ExecutorSettings } from "./settings/executor.ts";
import { INGESTION_SETTINGS, type IngestionSettings } from "./settings/ingestion.ts";
import { KUBERNETES_SETTINGS, type KubernetesSettings } from "./settings/kubernetes.ts";
import { OBSERVABILITY_SETTINGS, type ObservabilitySettings } from "./settings/observability.ts";
import type { SettingRows } from "./settings/row.ts";
import { SECRETS_SETTINGS, type SecretsSettings } from "./settings/secrets.ts";
import { flagIn, type SettingTable } from "./table.ts";

export type { SecretsManager } from "./secrets-manager.ts";
export type { ExecutorType } from "./settings/executor.ts";
export type { SettingRow } from "./settings/row.ts";

/** Everything the runner can be told. Times in seconds, as their variables say. */
export interface Settings
  extends ConnectionSettings,
    ExecutorSettings,
    IngestionSettings,
    SecretsSettings,
    ObservabilitySettings,
    KubernetesSettings,
    ClusterSettings,
    ArgoSettings {}

/** The table in the parts in which it is documented. A new setting is a row and a field in one of them. */
export const SLICES: readonly { readonly title: string; readonly rows: Partial<SettingRows<Settings>> }[] = [
  { title: "Connection", rows: CONNECTION_SETTINGS },
  { title: "Executor", rows: EXECUTOR_SETTINGS },
  { title: "Ingestion program", rows: INGESTION_SETTINGS },
  { title: "Secrets", rows: SECRETS_SETTINGS },
  { title: "Metrics, probes and the runner's log", rows: OBSERVABILITY_SETTINGS },
  { title: "Ingestion pods", rows: KUBERNETES_SETTINGS },
  { title: "Kubernetes cluster", rows: CLUSTER_SETTINGS },
  { title: "Argo", rows: ARGO_SETTINGS },
];

/** Every setting of the runner. */
export const SETTINGS: SettingRows<Settings> = {
  ...CONNECTION_SETTINGS,
  ...EXECUTOR_SETTINGS,
  ...INGESTION_SETTINGS,
  ...SECRETS_SETTINGS,
  ...OBSERVABILITY_SETTINGS,
  ...KUBERNETES_SETTINGS,
  ...CLUSTER_SETTINGS,
  ...ARGO_SETTINGS,
};

/** The runner's table. */
export const RUNNER_SETTINGS: SettingTable = {
  rows: SETTINGS,
  prefix: "",
  fileVariable: "CONFIG_FILE",
  page: "docs/configuration.md",
};

/** Names of all settings, as they stand in the configuration file. */
export const SETTING_KEYS: readonly (keyof Settings)[] = Object.keys(SETTINGS) as (keyof Settings)[];

/** The flag of a setting: its first variable in kebab-case. */
export function flagOf(key: keyof Settings): string {
  return flagIn(RUNNER_SETTINGS, SETTINGS[key]);
}
