import type { PodParameters } from "../config/parameter-files.ts";
import type { Settings } from "../config/settings.ts";
import type { KubernetesExecutorOptions, PodSettings } from "../executor/pods/options.ts";
import type { ResourceRequirements } from "../kubernetes/objects.ts";
import type { Json } from "../protocol/messages.ts";
import { VERSION } from "../version.ts";

/** Settings with what stands in the parameter files; without files, pods are as the settings alone have them. */
export type PodSettingsSource = Settings & {
  readonly dataDirectory: string;
  readonly podParameters?: PodParameters;
};

/** What the Kubernetes executor is told by the settings; the cluster's own namespace counts where they name none. */
export type KubernetesSettingsPart = Omit<KubernetesExecutorOptions, "api" | "clock" | "log" | "namespace"> & {
  readonly namespace?: string;
};

const MILLISECONDS = 1000;

/** For a runner outside of the cluster that isn't told another one: an image of this name has to be put on the nodes. */
export const DEFAULT_WRAPPER_IMAGE: string = `hybrid-runner:${VERSION}`;

/** What the Kubernetes executor is told, from the runner's settings. */
export function kubernetesSettings(settings: PodSettingsSource): KubernetesSettingsPart {
  const { ingestionNamespace } = settings;
  return {
    ...(ingestionNamespace === undefined ? {} : { namespace: ingestionNamespace }),
    runnerId: settings.agentId,
    dataDirectory: settings.dataDirectory,
    pods: podSettings(settings),
    secretsMode: settings.secretsMode,
    secrets: secretsInPods(settings),
    wrapperImage: settings.wrapperImage ?? DEFAULT_WRAPPER_IMAGE,
    wrapperDelivery: settings.wrapperDelivery,
    graceMs: settings.stopGraceSeconds * MILLISECONDS,
    ttlSecondsAfterFinished: settings.ingestionTtlSeconds,
    startTimeoutMs: settings.ingestionStartTimeoutSeconds * MILLISECONDS,
    keepReleased: settings.keepRuns,
    keepReleasedDays: settings.keepRunsDays,
  };
}

function podSettings(settings: PodSettingsSource): PodSettings {
  const { container, podSpec } = settings.podParameters ?? {};
  const types = Object.entries(settings.pipelineTypeConfigs).map(([type, config]) => [type.toLowerCase(), config]);
  return {
    image: settings.ingestionImage ?? "",
    validatesVersion: !settings.ingestionDisableVersionValidation,
    followsServerVersion: settings.dynamicIngestionVersionEnabled,
    ...present("imagePullPolicy", settings.ingestionImagePullPolicy),
    imagePullSecrets: settings.ingestionImagePullSecrets,
    ...present("serviceAccountName", settings.ingestionServiceAccountName),
    automountServiceAccountToken: settings.ingestionAutomountSaToken,
    resources: {
      pipeline: resources(
        { cpu: settings.ingestionCpuRequest, memory: settings.ingestionMemoryRequest },
        { cpu: settings.ingestionCpuLimit, memory: settings.ingestionMemoryLimit },
      ),
      automation: resources(
        { cpu: settings.automationCpuRequest, memory: settings.automationMemoryRequest },
        { cpu: settings.automationCpuLimit, memory: settings.automationMemoryLimit },
      ),
    },
    extraEnvironment: settings.ingestionExtraEnvs,
    maskedVariables: settings.maskedVariables,
    nodeSelector: settings.ingestionNodeSelector,
    tolerations: settings.ingestionTolerations,
    ...present("affinity", settings.ingestionAffinity),
    ...present("priorityClassName", settings.ingestionPriorityClassName),
    labels: settings.ingestionPodLabels,
    annotations: settings.ingestionPodAnnotations,
    command: {
      pipeline: settings.ingestionCommand ?? [],
      automation: settings.automationCommand,
      application: settings.applicationCommand,
    },
    byPipelineType: Object.fromEntries(types) as PodSettings["byPipelineType"],
    ...present("container", container),
    ...(podSpec === undefined ? {} : { podSpec: podSpec as NonNullable<PodSettings["podSpec"]> }),
    readOnlyRootFilesystem: settings.ingestionReadOnlyRoot,
    ...present("runAsUser", settings.ingestionRunAsUser),
  };
}

type Amounts = Readonly<Record<"cpu" | "memory", string | undefined>>;

function resources(requests: Amounts, limits: Amounts): ResourceRequirements {
  const [asked, most] = [given(requests), given(limits)];
  return {
    ...(asked === undefined ? {} : { requests: asked }),
    ...(most === undefined ? {} : { limits: most }),
  };
}

function given(amounts: Amounts): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(amounts).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** Names and paths mean those of the pod: its variables, its mounted files, its namespace. */
function secretsInPods(settings: Settings): Json {
  const { secretsManager, ingestionNamespace } = settings;
  if (secretsManager === "env") return { provider: "env", prefix: settings.secretsEnvPrefix };
  if (secretsManager === "file") {
    return { provider: "file", path: settings.secretsDirectory ?? settings.secretsFile ?? "" };
  }
  if (secretsManager !== "kubernetes") return { provider: "absent", store: secretsManager };
  return { provider: "kubernetes", ...present("namespace", ingestionNamespace) };
}

function present<K extends string, T>(name: K, value: T | undefined): { readonly [P in K]?: T } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [P in K]?: T });
}
