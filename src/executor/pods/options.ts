import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { KubernetesApi } from "../../kubernetes/api.ts";
import type { Container, PodSpec, ResourceRequirements } from "../../kubernetes/objects.ts";
import type { Json } from "../../protocol/messages.ts";
import type { SecretReads } from "../../protocol/secret-reads.ts";

/** Who resolves secret references and where (design §7). In `native` mode the ingestion image does, and nothing masks its log. */
export type SecretsMode = "wrapper" | "native";

/** How the wrapper gets into the ingestion container. `auto`: an image volume where the cluster keeps one, else an init container. */
export type WrapperDelivery = "auto" | "imageVolume" | "initContainer";

/** What ingestion pods look like; made from the settings, checked there. */
export interface PodSettings {
  readonly image: string;
  /** Runs with an image of another version than the server's are refused; otherwise that is only told. */
  readonly validatesVersion: boolean;
  /** The version in the image's tag is replaced by the server's; nothing is refused then. */
  readonly followsServerVersion: boolean;
  readonly imagePullPolicy?: string;
  readonly imagePullSecrets: readonly string[];
  readonly serviceAccountName?: string;
  readonly automountServiceAccountToken: boolean;
  /** By kind of work: `automation` has resources of its own. */
  readonly resources: { readonly pipeline: ResourceRequirements; readonly automation: ResourceRequirements };
  readonly extraEnvironment: Readonly<Record<string, string>>;
  /** Variables whose values the wrapper masks whatever their names say. */
  readonly maskedVariables?: readonly string[];
  readonly nodeSelector: Readonly<Record<string, string>>;
  readonly tolerations: readonly unknown[];
  readonly affinity?: Readonly<Record<string, unknown>>;
  readonly priorityClassName?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Program and arguments by kind of work. */
  readonly command: {
    readonly pipeline: readonly string[];
    readonly automation: readonly string[];
    readonly application: readonly string[];
  };
  /** Settings of single pipeline types, by type in lower case; keys as a pod's specification has them, `resources` for the container. */
  readonly byPipelineType: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** From the custom container file: merged into container `main`. */
  readonly container?: Partial<Container>;
  /** From the custom workflow file: merged into the pod's specification. */
  readonly podSpec?: Partial<PodSpec>;
  /** False where an image can't live with it. */
  readonly readOnlyRootFilesystem: boolean;
  /** User and group of the ingestion pods; absent: the image's own user, which must be a number other than 0. */
  readonly runAsUser?: number;
}

/** What the Kubernetes executor is made of. */
export interface KubernetesExecutorOptions {
  readonly api: KubernetesApi;
  /** Where the ingestion pods are. */
  readonly namespace: string;
  readonly runnerId: string;
  /** For spooled logs; what is lost with it is read again from the cluster. */
  readonly dataDirectory: string;
  readonly pods: PodSettings;
  readonly secretsMode: SecretsMode;
  /** Settings of the secret store, handed to the wrapper in the pod as they are. */
  readonly secrets: Json;
  /** Image that holds the wrapper: the runner's own. */
  readonly wrapperImage: string;
  readonly wrapperDelivery: WrapperDelivery;
  /** From TERM to KILL. */
  readonly graceMs: number;
  /** An acknowledged run's objects stay for so long. */
  readonly ttlSecondsAfterFinished: number;
  /** A run that could not start its container for so long fails with what kept it; 0: never. */
  readonly startTimeoutMs: number;
  /** Released runs' spooled logs: so many, for so many days. */
  readonly keepReleased: number;
  readonly keepReleasedDays: number;
  /** Of the OpenMetadata server, as far as it is known by now; asked for each pod. Absent: never known. */
  readonly serverVersion?: () => string | undefined;
  /** True while another process of this installation has the session: nothing is written to the cluster then. Absent: never. */
  readonly isStandby?: () => boolean;
  /** Told how often a run that has ended read its secret store. */
  readonly onSecretReads?: (reads: SecretReads) => void;
  /** Told of each schedule that the cluster has fired what became of it. */
  readonly onFire?: (result: "started" | "skipped") => void;
  readonly clock: Clock;
  readonly log: Log;
}
