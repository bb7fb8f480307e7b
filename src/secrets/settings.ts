import { fields, filledText, oneOf, optional, type Shape, textLike, variants } from "../base/shape.ts";

/** Secrets in environment variables; see providers/env.ts for how a name becomes a variable. */
export interface EnvSecretsSettings {
  readonly provider: "env";
  /** What the variables' names begin with; `HYBRID_RUNNER_SECRET_` when absent. */
  readonly prefix?: string;
}

/** Secrets in files; see providers/file.ts. */
export interface FileSecretsSettings {
  readonly provider: "file";
  /** A directory with one file a secret, or one JSON or YAML file. */
  readonly path: string;
}

/** Secrets of a Kubernetes namespace; see providers/kubernetes.ts. */
export interface KubernetesSecretsSettings {
  readonly provider: "kubernetes";
  /** Where the Secrets are; that of the pod or of the kubeconfig's context when absent. */
  readonly namespace?: string;
  /** A context of the kubeconfig; not for pods. */
  readonly context?: string;
  /** Where a pod's token is; the kubelet's own place when absent. */
  readonly serviceAccountDirectory?: string;
}

/** A store that the runner was told to use and that this version can't read; see providers/absent.ts. */
export interface AbsentSecretsSettings {
  readonly provider: "absent";
  /** The store's name, for messages. */
  readonly store: string;
}

/**
 * Which secret store a run uses and where it is. Holds no secret: it travels as JSON from the runner to the run's supervisor.
 * One member a provider; the name is the row in catalogue.ts.
 */
export type SecretsSettings =
  | EnvSecretsSettings
  | FileSecretsSettings
  | KubernetesSecretsSettings
  | AbsentSecretsSettings;

/** Shape of settings that come from a file or another process. */
export const secretsSettingsShape: Shape<SecretsSettings> = variants<SecretsSettings>("provider", {
  env: fields<EnvSecretsSettings>({
    provider: oneOf("env"),
    prefix: optional(textLike(/^[A-Za-z_][A-Za-z0-9_]*$/, "the beginning of a variable's name")),
  }),
  file: fields<FileSecretsSettings>({ provider: oneOf("file"), path: filledText }),
  kubernetes: fields<KubernetesSecretsSettings>({
    provider: oneOf("kubernetes"),
    namespace: optional(textLike(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "a namespace's name")),
    context: optional(filledText),
    serviceAccountDirectory: optional(filledText),
  }),
  absent: fields<AbsentSecretsSettings>({ provider: oneOf("absent"), store: filledText }),
});
