import { describe, expect, test } from "vitest";
import { type Evaluation, evaluateSettings, type LoadedSettings, loadSettings } from "../../src/config/load.ts";
import { SETTING_KEYS, SETTINGS } from "../../src/config/settings.ts";

const BASE = { SERVER_URL: "wss://gateway.example", AUTH_TOKEN: "t0ken" };
const IMAGE = { INGESTION_IMAGE: "a/b:1" };
const load = (
  environment: Record<string, string>,
  flags: Record<string, string> = {},
  file?: unknown,
): LoadedSettings => loadSettings({ flags, environment: { ...BASE, ...environment }, file });

describe("of several names of a setting", () => {
  test("INGESTION_X wins over SIMPLEK8S_X over ARGO_X, with one warning for the conflict", () => {
    const all = { ...IMAGE, INGESTION_NAMESPACE: "a", SIMPLEK8S_NAMESPACE: "b", ARGO_NAMESPACE: "c" };
    const conflicts = (settings: LoadedSettings): readonly string[] =>
      settings.warnings.filter((warning) => warning.includes("NAMESPACE wins"));
    expect(load(all).settings.ingestionNamespace).toBe("a");
    expect(conflicts(load(all))).toEqual([
      "INGESTION_NAMESPACE wins over SIMPLEK8S_NAMESPACE, ARGO_NAMESPACE, which differ",
    ]);
    expect(load({ ...all, INGESTION_NAMESPACE: "" }).settings.ingestionNamespace).toBe("b");
    expect(load({ ...IMAGE, ARGO_NAMESPACE: "c" }).settings.ingestionNamespace).toBe("c");
    expect(load({ ...IMAGE, ARGO_NAMESPACE: "c" }).origins.ingestionNamespace).toBe("variable ARGO_NAMESPACE");
  });

  test("equal values are no conflict", () => {
    const { warnings } = load({ ...IMAGE, INGESTION_NAMESPACE: "a", ARGO_NAMESPACE: "a" });
    expect(warnings.filter((warning) => /NAMESPACE (wins|is an old)/.test(warning))).toEqual([]);
  });

  test("the rule holds for every setting that has several", () => {
    const several = SETTING_KEYS.map((key) => SETTINGS[key].variables).filter(({ length }) => length > 1);
    expect(several.length).toBeGreaterThan(15);
    for (const [newest, second, third] of several) {
      expect(newest).toMatch(/^INGESTION_/);
      expect(second).toMatch(/^SIMPLEK8S_/);
      expect(third).toMatch(/^ARGO_/);
    }
  });
});

describe("EXECUTOR_TYPE", () => {
  test.each(["simpleK8s", "SIMPLEK8S", "simplek8s"])("%s is read without regard to case", (given) => {
    const { settings, origins } = load({ ...IMAGE, EXECUTOR_TYPE: given });
    expect([settings.executorType, origins.executorType]).toEqual(["simpleK8s", "variable EXECUTOR_TYPE"]);
  });

  const command = { INGESTION_COMMAND: '["true"]' };
  const cluster = { KUBERNETES_SERVICE_HOST: "10.0.0.1" };
  const evaluate = (environment: Record<string, string>): Evaluation =>
    evaluateSettings({ flags: {}, environment: { ...BASE, ...environment } });
  test.each([
    ["an Argo endpoint", { PIPELINE_SERVICE_CLIENT_ENDPOINT: "argo:2746", ...command }, "argo"],
    ["an Argo token and settings of pods", { ARGO_TOKEN: "x", INGESTION_IMAGE: "a/b:1" }, "argo"],
    ["a setting of pods", { ARGO_NAMESPACE: "a", ...command }, "simpleK8s"],
    ["a command in a cluster", { ...command, ...cluster }, "process"],
    ["a cluster", cluster, "simpleK8s"],
    ["a command", command, "process"],
    ["a command and variables for it", { ...command, ARGO_EXTRA_ENVS: "[A:1]" }, "process"],
  ])("absent with %s is worked out", (_what, environment, expected) => {
    expect(evaluate(environment).values.executorType).toBe(expected);
  });

  test("absent with nothing else is process, which then misses its command", () => {
    expect(() => load({})).toThrow("INGESTION_COMMAND is missing");
  });

  test("wins over everything it could be worked out from", () => {
    expect(load({ EXECUTOR_TYPE: "process", ARGO_TOKEN: "x", ...command }).settings.executorType).toBe("process");
  });

  test("is worked out from flags and the file as well", () => {
    expect(load({}, { "argo-token": "x" }).settings.executorType).toBe("argo");
    expect(load({}, {}, { ingestionImage: "a/b:1" }).settings.executorType).toBe("simpleK8s");
  });
});

describe("SECRETS_MANAGER", () => {
  test.each([
    ["aws", "aws"],
    ["managed-aws", "aws"],
    ["Managed-AWS", "aws"],
    ["managed-aws-ssm", "aws-ssm"],
    ["azure-kv", "azure-kv"],
    ["managed-azure-kv", "azure-kv"],
    ["gcp", "gcp"],
    ["managed-openbao", "openbao"],
  ])("%s means the store %s, which is told to be missing", (given, store) => {
    const { settings, warnings } = load({ SECRETS_MANAGER: given, INGESTION_COMMAND: '["true"]' });
    expect(settings.secretsManager).toBe(store);
    expect(warnings).toEqual([
      expect.stringContaining(`can't read the secret store ${store} (variable SECRETS_MANAGER)`),
    ]);
  });

  test.each(["process", "simpleK8s"])("kubernetes with %s is nothing to be warned of", (executor) => {
    const given = { ...IMAGE, INGESTION_COMMAND: '["true"]', WRAPPER_IMAGE: "a/w:1", EXECUTOR_TYPE: executor };
    const { settings, warnings } = load({ ...given, SECRETS_MANAGER: "kubernetes" });
    expect([settings.secretsManager, warnings]).toEqual(["kubernetes", []]);
  });

  test("absent is env for the process executor, and kubernetes for the others", () => {
    expect(load({ INGESTION_COMMAND: '["true"]' }).settings.secretsManager).toBe("env");
    expect(load({ EXECUTOR_TYPE: "argo" }).settings.secretsManager).toBe("kubernetes");
  });
});

describe("SERVER_HOST_API_URL", () => {
  test.each([
    ["wss://gateway.example:8443", "https://gateway.example:8443/api"],
    ["gateway.example", "https://gateway.example/api"],
    ["ws://127.0.0.1:8580", "http://127.0.0.1:8580/api"],
  ])("is worked out from SERVER_URL %s", (serverUrl, expected) => {
    const { settings, origins } = load({ SERVER_URL: serverUrl, EXECUTOR_TYPE: "argo" });
    expect([settings.serverHostApiUrl, origins.serverHostApiUrl]).toEqual([expected, "worked out: from SERVER_URL"]);
  });

  test("is taken as it is when set", () => {
    const given = { SERVER_HOST_API_URL: "https://other.example/api/", EXECUTOR_TYPE: "argo" };
    expect(load(given).settings.serverHostApiUrl).toBe("https://other.example/api");
  });
});

test("what Kubernetes sets for Services of the namespace counts as not set", () => {
  const links = {
    METRICS_SERVER_PORT: "tcp://10.96.0.7:443",
    APP_SERVER_PORT: "udp://10.96.0.8:53",
    EXECUTOR_TYPE: "argo",
  };
  const { settings, origins } = load(links);
  expect(settings).toMatchObject({ metricsServerPort: 8989, appServerPort: undefined });
  expect(origins.metricsServerPort).toBe("default");
});

test.each([
  ["off", undefined],
  ["OFF", undefined],
  ["0", undefined],
  ["9100", 9100],
])("METRICS_SERVER_PORT %s means %s", (given, expected) => {
  expect(load({ METRICS_SERVER_PORT: given, EXECUTOR_TYPE: "argo" }).settings.metricsServerPort).toBe(expected);
});
