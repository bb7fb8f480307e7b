import { describe, expect, test } from "vitest";
import { Sensitive } from "../../src/base/sensitive.ts";
import { type LoadedSettings, loadSettings } from "../../src/config/load.ts";
import { GENERATIONS } from "../../src/config/settings/generations.ts";
import { SETTING_KEYS, SETTINGS, type Settings } from "../../src/config/settings.ts";
import {
  GENERATION_1,
  GENERATION_2,
  GENERATION_3,
  GENERATION_4_ARGO,
  GENERATION_4_SIMPLE,
} from "./documented-environments.ts";

type Plain = {
  readonly [K in keyof Settings]: Settings[K] extends Sensitive | undefined ? string | undefined : Settings[K];
};

/** What a runner works with when it is told nothing but the token, the address and a cluster. */
const UNSAID: Plain = {
  agentId: "RemoteRunner",
  serverUrl: "wss://collate.example.com",
  serverHostApiUrl: "https://collate.example.com/api",
  authToken: "documented-token",
  authTokenFile: undefined,
  serverCaFile: undefined,
  serverExtraCaFile: undefined,
  reconnectDelaySeconds: 0,
  executorType: "simpleK8s",
  dataDirectory: undefined,
  maxConcurrentRuns: 1000,
  maxPipelines: 10_000,
  pipelinesLimitMegabytes: 500,
  stopGraceSeconds: 30,
  runLogLimitMegabytes: 100,
  keepRuns: 100,
  keepRunsDays: 30,
  reuseSupervisors: true,
  ingestionCommand: ["python", "main.py"],
  automationCommand: ["python", "run_automation.py"],
  applicationCommand: ["python", "-m", "metadata.applications.runner"],
  ingestionExtraEnvs: {},
  maskedVariables: [],
  ingestionVersion: undefined,
  secretsManager: "kubernetes",
  secretsDirectory: undefined,
  secretsFile: undefined,
  secretsEnvPrefix: "HYBRID_RUNNER_SECRET_",
  metricsServerPort: 8989,
  metricsServerPath: "/metrics",
  metricsServerHost: "0.0.0.0",
  appServerPort: undefined,
  logLevel: "info",
  logFormat: "text",
  ingestionNamespace: undefined,
  ingestionImage: undefined,
  ingestionServiceAccountName: undefined,
  ingestionImagePullSecrets: [],
  ingestionAutomountSaToken: true,
  ingestionDisableVersionValidation: false,
  dynamicIngestionVersionEnabled: false,
  ingestionCpuLimit: undefined,
  ingestionMemoryLimit: undefined,
  ingestionCpuRequest: undefined,
  ingestionMemoryRequest: undefined,
  automationCpuLimit: undefined,
  automationMemoryLimit: undefined,
  automationCpuRequest: undefined,
  automationMemoryRequest: undefined,
  ingestionTolerations: [],
  pipelineTypeConfigs: {},
  containerSpecFilePath: undefined,
  workflowSpecFilePath: undefined,
  ingestionImagePullPolicy: undefined,
  ingestionRunAsUser: 1000,
  ingestionReadOnlyRoot: true,
  ingestionNodeSelector: {},
  ingestionAffinity: undefined,
  ingestionPriorityClassName: undefined,
  ingestionPodLabels: {},
  ingestionPodAnnotations: {},
  kubeContext: undefined,
  secretsMode: "wrapper",
  wrapperImage: undefined,
  wrapperDelivery: "auto",
  ingestionTtlSeconds: 3600,
  ingestionStartTimeoutSeconds: 1800,
  argoEndpoint: undefined,
  argoToken: undefined,
  argoSecondsAfterCompletionTtl: undefined,
  argoServerCertificatePath: undefined,
  argoTestConnectionBackoffTime: undefined,
};

const load = (environment: Readonly<Record<string, string>>): LoadedSettings =>
  loadSettings({ flags: {}, environment });

function plain(settings: Settings): Plain {
  const entries = Object.entries(settings).map(([key, value]) => [
    key,
    value instanceof Sensitive ? value.reveal() : value,
  ]);
  return Object.fromEntries(entries) as Plain;
}

describe("the documented environment of each generation is read whole", () => {
  test("generation 1", () => {
    expect(plain(load(GENERATION_1).settings)).toEqual({
      ...UNSAID,
      agentId: "WestEu1Agent",
      serverUrl: "wss://collate.example.com",
      ingestionImage: "penmetadata/collate-base:1.7.0",
      ingestionExtraEnvs: { AWS_DEFAULT_REGION: "value", AWS_ACCESS_KEY_ID: "value", AWS_SECRET_ACCESS_KEY: "value" },
    });
  });

  test("generation 2", () => {
    expect(plain(load(GENERATION_2).settings)).toEqual({
      ...UNSAID,
      agentId: "WestEu1Runner",
      ingestionImage: "openmetadata/collate-base:1.7.0",
      ingestionExtraEnvs: { AWS_DEFAULT_REGION: "value", AWS_ACCESS_KEY_ID: "value", AWS_SECRET_ACCESS_KEY: "value" },
    });
  });

  test("generation 3", () => {
    expect(plain(load(GENERATION_3).settings)).toEqual({
      ...UNSAID,
      serverUrl: "wss://my-cluster.getcollate.io",
      serverHostApiUrl: "https://my-cluster.getcollate.io/api",
      executorType: "argo",
      reconnectDelaySeconds: 5,
      ingestionServiceAccountName: "ingestion",
      ingestionNamespace: "collate",
      ingestionImage:
        "118146679784.dkr.ecr.eu-west-1.amazonaws.com/collate-customers-ingestion-slim-eu-west-1:om-1.10.1-cl-1.10.1",
      ingestionDisableVersionValidation: true,
      ingestionTolerations: [{ key: "dedicated", operator: "Equal", value: "ingestion", effect: "NoSchedule" }],
      ingestionImagePullSecrets: ["omd-registry-credentials", "other-registry"],
      ingestionAutomountSaToken: false,
      ingestionExtraEnvs: { AWS_DEFAULT_REGION: "eu-west-1", PROXY: "http://proxy:3128" },
      ingestionCpuLimit: "1000m",
      ingestionMemoryLimit: "4096Mi",
      ingestionCpuRequest: "200m",
      ingestionMemoryRequest: "256Mi",
      automationCpuLimit: "500m",
      automationMemoryLimit: "512Mi",
      automationCpuRequest: "200m",
      automationMemoryRequest: "256Mi",
      argoEndpoint: "http://argo-workflows-server.argo-workflows.svc:2746",
      argoToken: "argo-client-token",
      argoSecondsAfterCompletionTtl: 604_800,
      argoServerCertificatePath: "/certs/argo.pem",
      argoTestConnectionBackoffTime: 10,
    });
  });

  const chart: Partial<Plain> = {
    serverUrl: "wss://my-cluster.getcollate.io",
    serverHostApiUrl: "https://my-cluster.getcollate.io/api",
    ingestionServiceAccountName: "ingestion",
    ingestionNamespace: "collate",
    ingestionImage:
      "118146679784.dkr.ecr.eu-west-1.amazonaws.com/collate-customers-ingestion-slim-eu-west-1:om-1.13.3-cl-1.13.3",
    ingestionImagePullSecrets: ["omd-registry-credentials"],
    ingestionCpuLimit: "1000m",
    ingestionMemoryLimit: "4096Mi",
    ingestionCpuRequest: "1000m",
    ingestionMemoryRequest: "4096Mi",
    automationCpuLimit: "500m",
    automationMemoryLimit: "512Mi",
    automationCpuRequest: "200m",
    automationMemoryRequest: "256Mi",
  };

  test("generation 4 with Simple Kubernetes", () => {
    expect(plain(load(GENERATION_4_SIMPLE).settings)).toEqual({ ...UNSAID, ...chart });
  });

  test("generation 4 with Argo", () => {
    expect(plain(load(GENERATION_4_ARGO).settings)).toEqual({
      ...UNSAID,
      ...chart,
      executorType: "argo",
      secretsManager: "aws",
      reconnectDelaySeconds: 5,
      dynamicIngestionVersionEnabled: true,
      ingestionDisableVersionValidation: true,
      ingestionExtraEnvs: { AZURE_KEY_VAULT_NAME: "vault" },
      pipelineTypeConfigs: { automation: { priorityClassName: "high-priority" } },
      containerSpecFilePath: "/custom-config/container-params.yaml",
      workflowSpecFilePath: "/custom-config/workflow-params.yaml",
      argoEndpoint: "http://argo-workflows-server.argo-workflows.svc:2746",
      argoToken: "argo-client-token",
      argoSecondsAfterCompletionTtl: 86_400,
      argoServerCertificatePath: "/certs/argo.pem",
      argoTestConnectionBackoffTime: 10,
    });
  });
});

describe("what a person is told about an old environment", () => {
  test("each old name once", () => {
    expect(load(GENERATION_1).warnings).toEqual([
      "ARGO_EXTRA_ENVS_NOOP is an old name: use INGESTION_EXTRA_ENVS",
      "ARGO_INGESTION_IMAGE is an old name: use INGESTION_IMAGE",
    ]);
    const old = load(GENERATION_3).warnings.filter((warning) => warning.includes("is an old name"));
    expect(old.length).toBe(16);
    expect(new Set(old).size).toBe(16);
  });

  test("nothing about names that the newest chart itself renders", () => {
    expect(load(GENERATION_4_SIMPLE).warnings).toEqual([]);
    expect(load(GENERATION_4_ARGO).warnings).toEqual([
      expect.stringContaining("has no executor argo"),
      expect.stringContaining("can't read the secret store aws"),
    ]);
  });

  test("what is not in this version, with the reason why it was chosen", () => {
    const warnings = load({ ...GENERATION_3, SECRETS_MANAGER: "gcp" }).warnings.join("\n");
    expect(warnings).toContain("no executor argo (worked out: variable PIPELINE_SERVICE_CLIENT_ENDPOINT is set)");
    expect(warnings).toContain("the secret store gcp (variable SECRETS_MANAGER)");
  });
});

test("every documented variable is a name of exactly one setting, and no setting names one twice", () => {
  const names = SETTING_KEYS.flatMap((key) => SETTINGS[key].variables);
  expect(new Set(names).size).toBe(names.length);
  expect(Object.keys(GENERATIONS).filter((name) => !names.includes(name))).toEqual([]);
  const used = [GENERATION_1, GENERATION_2, GENERATION_3, GENERATION_4_SIMPLE, GENERATION_4_ARGO].flatMap(Object.keys);
  expect(used.filter((name) => GENERATIONS[name] === undefined)).toEqual([]);
});
