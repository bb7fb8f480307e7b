import type { RunSpec } from "../../../../src/executor/executor.ts";
import type { Manifest } from "../../../../src/executor/jobs/manifests/manifest.ts";
import type { PodSettings } from "../../../../src/executor/pods/options.ts";
import type { PipelineBody } from "../../../../src/protocol/messages.ts";

/** Stands in every sample configuration; no manifest but the configuration object may contain it. */
export const TOKEN = "sample-bot-token";

/** Value of an extra variable; like the token it may only be in the configuration object. */
export const EXTRA_VALUE = "sample-access-key";

/** Settings of pods when hardly anything is said. */
export const PLAIN_PODS: PodSettings = {
  image: "registry.example.com/ingestion:1.2.3",
  imagePullSecrets: [],
  automountServiceAccountToken: true,
  resources: { pipeline: {}, automation: {} },
  extraEnvironment: {},
  nodeSelector: {},
  tolerations: [],
  labels: {},
  annotations: {},
  command: {
    pipeline: ["python", "main.py"],
    automation: ["python", "run_automation.py"],
    application: ["python", "-m", "metadata.applications.runner"],
  },
  validatesVersion: true,
  followsServerVersion: false,
  byPipelineType: {},
  readOnlyRootFilesystem: true,
  runAsUser: 1000,
};

/** Settings of pods when everything is said. */
export const FULL_PODS: PodSettings = {
  ...PLAIN_PODS,
  imagePullPolicy: "Always",
  imagePullSecrets: ["registry-a", "registry-b"],
  serviceAccountName: "ingestion",
  automountServiceAccountToken: false,
  resources: {
    pipeline: { requests: { cpu: "200m", memory: "256Mi" }, limits: { cpu: "1", memory: "4Gi" } },
    automation: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
  },
  extraEnvironment: { AWS_ACCESS_KEY_ID: EXTRA_VALUE, AWS_DEFAULT_REGION: "eu-west-1" },
  nodeSelector: { "kubernetes.io/os": "linux" },
  tolerations: [{ key: "dedicated", operator: "Equal", value: "ingestion", effect: "NoSchedule" }],
  affinity: {
    podAntiAffinity: {
      preferredDuringSchedulingIgnoredDuringExecution: [
        { weight: 1, podAffinityTerm: { topologyKey: "kubernetes.io/hostname", labelSelector: {} } },
      ],
    },
  },
  priorityClassName: "system-cluster-critical",
  labels: { team: "data", "hybrid-runner/run-id": "never-this" },
  annotations: { "sidecar.istio.io/inject": "false" },
  byPipelineType: {
    usage: {
      priorityClassName: "system-node-critical",
      resources: { limits: { memory: "8Gi" } },
      nodeSelector: { size: "large" },
    },
  },
};

/** A manifest's ingredients, with changes. */
export function manifest(options: Partial<Manifest["options"]> = {}, rest: Partial<Manifest> = {}): Manifest {
  return {
    options: {
      namespace: "ingestion",
      runnerId: "RemoteRunner",
      pods: PLAIN_PODS,
      secretsMode: "wrapper",
      secrets: { provider: "kubernetes" },
      wrapperImage: "registry.example.com/hybrid-runner:1.0.0",
      graceMs: 30_000,
      ...options,
    },
    configIn: "secret",
    delivery: "initContainer",
    ...rest,
  };
}

/** A run to start. */
export const RUN: RunSpec = {
  runId: "11111111-1111-4111-8111-111111111111",
  attempt: 1,
  pipelineId: "22222222-2222-4222-8222-222222222222",
  pipelineName: "shop metadata",
  fullyQualifiedName: 'shop."nightly metadata"',
  pipelineType: "metadata",
  config: {
    source: { type: "postgres", serviceConnection: { config: { password: "secret:/shop/password" } } },
    workflowConfig: {
      openMetadataServerConfig: { hostPort: "https://om.example.com/api", securityConfig: { jwtToken: TOKEN } },
    },
  },
  startBefore: 0,
};

/** A deployed pipeline with a schedule. */
export const PIPELINE: PipelineBody = {
  pipelineId: RUN.pipelineId,
  generation: 3,
  hash: "a".repeat(64),
  name: RUN.pipelineName,
  fullyQualifiedName: RUN.fullyQualifiedName,
  pipelineType: "metadata",
  enabled: true,
  schedule: { cron: "30 2 * * 7", timeZone: "Europe/Berlin" },
  timeoutSeconds: 7200,
  retries: 2,
  retryDelaySeconds: 300,
  config: RUN.config,
};
