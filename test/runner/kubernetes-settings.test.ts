import { expect, test } from "vitest";
import { loadSettings } from "../../src/config/load.ts";
import type { PodParameters } from "../../src/config/parameter-files.ts";
import { type KubernetesSettingsPart, kubernetesSettings } from "../../src/runner/kubernetes-settings.ts";
import { GENERATION_1, GENERATION_3, GENERATION_4_SIMPLE } from "../config/documented-environments.ts";

const MINIMAL = {
  SERVER_URL: "gateway.example",
  AUTH_TOKEN: "t",
  EXECUTOR_TYPE: "simpleK8s",
  INGESTION_IMAGE: "a/b:1",
};

function parts(environment: Readonly<Record<string, string>>, podParameters?: PodParameters): KubernetesSettingsPart {
  const { settings } = loadSettings({ flags: {}, environment });
  return kubernetesSettings({
    ...settings,
    dataDirectory: "/data",
    ...(podParameters === undefined ? {} : { podParameters }),
  });
}

test("kubernetesSettings of what must be said leaves the namespace to the cluster and the pods restricted", () => {
  expect(parts(MINIMAL)).toEqual({
    runnerId: "RemoteRunner",
    dataDirectory: "/data",
    secretsMode: "wrapper",
    secrets: { provider: "kubernetes" },
    wrapperImage: expect.stringMatching(/^hybrid-runner:\d/),
    wrapperDelivery: "auto",
    graceMs: 30_000,
    ttlSecondsAfterFinished: 3600,
    startTimeoutMs: 1_800_000,
    keepReleased: 100,
    keepReleasedDays: 30,
    pods: {
      image: "a/b:1",
      imagePullSecrets: [],
      automountServiceAccountToken: true,
      resources: { pipeline: {}, automation: {} },
      extraEnvironment: {},
      maskedVariables: [],
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
    },
  });
});

test("kubernetesSettings of the documented chart with its own values carries all of them", () => {
  expect(parts(GENERATION_4_SIMPLE)).toMatchObject({
    namespace: "collate",
    secrets: { provider: "kubernetes", namespace: "collate" },
    pods: {
      imagePullSecrets: ["omd-registry-credentials"],
      serviceAccountName: "ingestion",
      resources: {
        pipeline: { requests: { cpu: "1000m", memory: "4096Mi" }, limits: { cpu: "1000m", memory: "4096Mi" } },
        automation: { requests: { cpu: "200m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
      },
    },
  });
});

test("kubernetesSettings means the same by the names of older generations", () => {
  expect(parts(GENERATION_1).pods).toMatchObject({
    image: "penmetadata/collate-base:1.7.0",
    extraEnvironment: { AWS_DEFAULT_REGION: "value" },
  });
  expect(parts({ ...GENERATION_3, EXECUTOR_TYPE: "simpleK8s" })).toMatchObject({
    namespace: "collate",
    pods: {
      automountServiceAccountToken: false,
      tolerations: [{ key: "dedicated", operator: "Equal", value: "ingestion", effect: "NoSchedule" }],
    },
  });
});

test("kubernetesSettings carries what this project adds, pipeline types without regard to case", () => {
  const more = {
    INGESTION_NODE_SELECTOR: "pool=a",
    INGESTION_AFFINITY: '{"nodeAffinity":{}}',
    INGESTION_PRIORITY_CLASS_NAME: "low",
    INGESTION_POD_LABELS: "team=data",
    INGESTION_POD_ANNOTATIONS: "a=b",
    INGESTION_IMAGE_PULL_POLICY: "Always",
    INGESTION_READ_ONLY_ROOT: "false",
    INGESTION_RUN_AS_USER: "image",
    INGESTION_COMMAND: '["main"]',
    INGESTION_AUTOMATION_COMMAND: '["automation"]',
    INGESTION_APPLICATION_COMMAND: '["application"]',
    SIMPLEK8S_PIPELINE_TYPE_CONFIGS: '{"autoClassification":{"priorityClassName":"high"}}',
    STOP_GRACE_SECONDS: "5",
    INGESTION_DISABLE_VERSION_VALIDATION: "true",
    DYNAMIC_INGESTION_VERSION_ENABLED: "true",
    SECRETS_MODE: "native",
    WRAPPER_IMAGE: "a/wrapper:2",
    WRAPPER_DELIVERY: "initContainer",
    INGESTION_TTL_SECONDS: "0",
    INGESTION_START_TIMEOUT_SECONDS: "0",
  };
  const files = { container: { workingDir: "/w" }, podSpec: { schedulerName: "s" } };
  const { pods, ...rest } = parts({ ...MINIMAL, ...more }, files);
  expect(rest).toMatchObject({
    secretsMode: "native",
    wrapperImage: "a/wrapper:2",
    wrapperDelivery: "initContainer",
    graceMs: 5000,
    ttlSecondsAfterFinished: 0,
    startTimeoutMs: 0,
  });
  expect(pods).toMatchObject({
    ...files,
    validatesVersion: false,
    followsServerVersion: true,
    nodeSelector: { pool: "a" },
    affinity: { nodeAffinity: {} },
    priorityClassName: "low",
    labels: { team: "data" },
    annotations: { a: "b" },
    imagePullPolicy: "Always",
    readOnlyRootFilesystem: false,
    command: { pipeline: ["main"], automation: ["automation"], application: ["application"] },
    byPipelineType: { autoclassification: { priorityClassName: "high" } },
  });
  expect(pods).not.toHaveProperty("runAsUser");
});

test.each([
  [{ SECRETS_MANAGER: "env" }, { provider: "env", prefix: "HYBRID_RUNNER_SECRET_" }],
  [
    { SECRETS_MANAGER: "file", SECRETS_DIRECTORY: "/mounted" },
    { provider: "file", path: "/mounted" },
  ],
  [{ SECRETS_MANAGER: "managed-aws" }, { provider: "absent", store: "aws" }],
])("with %j the pods ask the store %j", (environment, secrets) => {
  expect(parts({ ...MINIMAL, ...environment }).secrets).toEqual(secrets);
});
