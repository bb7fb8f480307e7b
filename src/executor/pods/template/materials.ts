import type { EnvVar } from "../../../kubernetes/objects.ts";
import type { IngestionImages } from "../images/ingestion-images.ts";
import type { KubernetesExecutorOptions } from "../options.ts";

/** What manifests are made from, beside the run or pipeline itself: settings, and what the cluster and the runner's rights allow. */
export interface Manifest {
  readonly options: Pick<
    KubernetesExecutorOptions,
    "namespace" | "runnerId" | "pods" | "secretsMode" | "secrets" | "wrapperImage" | "graceMs"
  >;
  /** Where configurations are kept; a ConfigMap only where the runner has no right to make Secrets. */
  readonly configIn: "secret" | "configMap";
  /** How the wrapper gets into the pod; without meaning in the mode `native`. */
  readonly delivery: "imageVolume" | "initContainer";
  /** Settles the image of container `main`. Absent: it is the configured one. */
  readonly images?: Pick<IngestionImages, "choose" | "refusal" | "admit">;
}

/** What the objects of a run and of a pipeline have in common. */
export interface Work {
  readonly pipelineId: string;
  readonly pipelineName: string;
  readonly fullyQualifiedName: string;
  readonly pipelineType: string;
  readonly timeoutSeconds?: number;
  readonly retries?: number;
  readonly retryDelaySeconds?: number;
}

/** A pod to make. */
export interface PodOrder {
  readonly work: Work;
  readonly labels: Readonly<Record<string, string>>;
  /** Object with the configuration, under `CONFIG_KEY`. */
  readonly configName: string;
  /** The run's id, or where the pod finds it. */
  readonly runId: Omit<EnvVar, "name">;
}
