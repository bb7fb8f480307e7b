import * as pods from "../pod-values.ts";
import * as parse from "../values.ts";
import { POD_SHAPE_SETTINGS, type PodShapeSettings } from "./pod-shape.ts";
import type { SettingRow, SettingRows } from "./row.ts";

/** Ingestion pods, for both executors in a cluster. What isn't set is decided by the executor. */
export interface KubernetesSettings extends PodShapeSettings {
  readonly ingestionNamespace: string | undefined;
  readonly ingestionImage: string | undefined;
  readonly ingestionServiceAccountName: string | undefined;
  readonly ingestionImagePullSecrets: readonly string[];
  readonly ingestionAutomountSaToken: boolean;
  readonly ingestionDisableVersionValidation: boolean;
  readonly dynamicIngestionVersionEnabled: boolean;
  readonly ingestionCpuLimit: string | undefined;
  readonly ingestionMemoryLimit: string | undefined;
  readonly ingestionCpuRequest: string | undefined;
  readonly ingestionMemoryRequest: string | undefined;
  readonly automationCpuLimit: string | undefined;
  readonly automationMemoryLimit: string | undefined;
  readonly automationCpuRequest: string | undefined;
  readonly automationMemoryRequest: string | undefined;
  readonly ingestionTolerations: readonly pods.Toleration[];
  readonly pipelineTypeConfigs: pods.PipelineTypeConfigs;
  readonly containerSpecFilePath: string | undefined;
  readonly workflowSpecFilePath: string | undefined;
}

export const KUBERNETES_SETTINGS: SettingRows<KubernetesSettings> = {
  ingestionNamespace: optional(
    "NAMESPACE",
    "ARGO_NAMESPACE",
    pods.namespace,
    "namespace of the ingestion pods",
    "the runner's own, or the kubeconfig context's",
  ),
  ingestionImage: optional(
    "IMAGE",
    "ARGO_INGESTION_IMAGE",
    pods.image,
    "image of the ingestion pods; required with simpleK8s",
  ),
  ingestionServiceAccountName: optional(
    "SERVICE_ACCOUNT_NAME",
    "ARGO_WORKFLOW_EXECUTOR_SERVICE_ACCOUNT_NAME",
    pods.objectName,
    "service account of the ingestion pods",
    "the namespace's `default`",
  ),
  ingestionImagePullSecrets: {
    variables: podVariables("IMAGE_PULL_SECRETS", "ARGO_IMAGE_PULL_SECRETS"),
    parse: pods.objectNames,
    fallback: () => [],
    meaning: "secrets that the image is pulled with",
  },
  ingestionAutomountSaToken: {
    variables: podVariables("AUTOMOUNT_SA_TOKEN", "ARGO_AUTOMOUNT_SA_TOKEN"),
    parse: parse.trueOrFalse,
    fallback: () => true,
    meaning: "whether the service account's token is mounted into ingestion pods",
  },
  ingestionDisableVersionValidation: {
    variables: podVariables("DISABLE_VERSION_VALIDATION", "ARGO_DISABLE_VERSION_VALIDATION"),
    parse: parse.trueOrFalse,
    fallback: () => false,
    meaning:
      "lets runs start with an image of another version than the server's, which is only told then; without it they are refused, where the gateway tells the server's version",
  },
  dynamicIngestionVersionEnabled: {
    variables: ["DYNAMIC_INGESTION_VERSION_ENABLED"],
    parse: parse.trueOrFalse,
    fallback: () => false,
    meaning:
      "replaces the version in the image's tag by the server's, where the gateway tells it; nothing is refused then",
  },
  ingestionCpuLimit: resource("CPU_LIMIT", "ARGO_WORKFLOW_CPU_LIMIT"),
  ingestionMemoryLimit: resource("MEMORY_LIMIT", "ARGO_WORKFLOW_MEMORY_LIMIT"),
  ingestionCpuRequest: resource("CPU_REQUEST", "ARGO_WORKFLOW_CPU_REQUEST"),
  ingestionMemoryRequest: resource("MEMORY_REQUEST", "ARGO_WORKFLOW_MEMORY_REQUEST"),
  automationCpuLimit: resource("AUTOMATION_WORKFLOW_CPU_LIMIT", "ARGO_AUTOMATION_WORKFLOW_CPU_LIMIT"),
  automationMemoryLimit: resource("AUTOMATION_WORKFLOW_MEMORY_LIMIT", "ARGO_AUTOMATION_WORKFLOW_MEMORY_LIMIT"),
  automationCpuRequest: resource("AUTOMATION_WORKFLOW_CPU_REQUEST", "ARGO_AUTOMATION_WORKFLOW_CPU_REQUEST"),
  automationMemoryRequest: resource("AUTOMATION_WORKFLOW_MEMORY_REQUEST", "ARGO_AUTOMATION_WORKFLOW_MEMORY_REQUEST"),
  ingestionTolerations: {
    variables: podVariables("CUSTOMER_TOLERATION", "ARGO_WORKFLOW_CUSTOMER_TOLERATION"),
    parse: pods.tolerations,
    fallback: () => [],
    meaning: "tolerations of the ingestion pods",
  },
  pipelineTypeConfigs: {
    variables: podVariables("PIPELINE_TYPE_CONFIGS", "ARGO_PIPELINE_TYPE_CONFIGS"),
    parse: pods.pipelineTypeConfigs,
    fallback: () => ({}),
    meaning: "settings of the pods of single pipeline types",
  },
  containerSpecFilePath: optional(
    "CONTAINER_SPEC_FILE_PATH",
    "ARGO_INGESTION_CONTAINER_SPEC_FILE_PATH",
    parse.path,
    "YAML file with changes to the container of ingestion pods",
  ),
  workflowSpecFilePath: optional(
    "WORKFLOW_SPEC_FILE_PATH",
    "ARGO_INGESTION_WORKFLOW_SPEC_FILE_PATH",
    parse.path,
    "YAML file with changes to the pods or workflows",
  ),
  ...POD_SHAPE_SETTINGS,
};

/** A limit and the request that must not be larger, by setting. */
export const LIMITS_AND_REQUESTS: readonly (readonly [keyof KubernetesSettings, keyof KubernetesSettings])[] = [
  ["ingestionCpuLimit", "ingestionCpuRequest"],
  ["ingestionMemoryLimit", "ingestionMemoryRequest"],
  ["automationCpuLimit", "automationCpuRequest"],
  ["automationMemoryLimit", "automationMemoryRequest"],
];

/** INGESTION_X before SIMPLEK8S_X before the name that the Argo generations had (facts: collate-hybrid-runner §3 rule 1). */
function podVariables(name: string, argoName: string): [string, ...string[]] {
  return [`INGESTION_${name}`, `SIMPLEK8S_${name}`, argoName];
}

function optional<T>(
  name: string,
  argoName: string,
  read: (text: string) => T,
  meaning: string,
  otherwise = "none",
): SettingRow<T | undefined> {
  return { variables: podVariables(name, argoName), parse: read, fallback: () => undefined, otherwise, meaning };
}

function resource(name: string, argoName: string): SettingRow<string | undefined> {
  const what = name.includes("CPU") ? "processor time" : "memory";
  const whose = name.startsWith("AUTOMATION") ? "test connections and other automations" : "pipelines";
  const isLimit = name.endsWith("LIMIT");
  const meaning = `${what} that pods of ${whose} ${isLimit ? "may use at most" : "ask for"}`;
  const otherwise = `${isLimit ? "" : "what the limit says, else "}as a LimitRange of the namespace has it, else none`;
  return optional(name, argoName, name.includes("CPU") ? pods.cpuQuantity : pods.memoryQuantity, meaning, otherwise);
}
