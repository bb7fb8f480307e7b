import { expect, test } from "vitest";
import { loadSettings } from "../../src/config/load.ts";
import { SETTING_KEYS, SETTINGS } from "../../src/config/settings.ts";

const BASE = { SERVER_URL: "wss://gateway.example", AUTH_TOKEN: "t0ken", EXECUTOR_TYPE: "argo" };

function problemsOf(environment: Record<string, string>): string {
  try {
    loadSettings({ flags: {}, environment: { ...BASE, ...environment } });
  } catch (error) {
    return (error as Error).message;
  }
  return "no problem";
}

test.each([
  ["AGENT_ID", "-x"],
  ["AUTH_TOKEN", "  \n"],
  ["EXECUTOR_TYPE", "docker"],
  ["SERVER_HOST_API_URL", "wss://x/api"],
  ["SERVER_HOST_API_URL", "https://u:p@x/api"],
  ["RECONNECT_DELAY_SECONDS", "5s"],
  ["SECRETS_MANAGER", "vaultwarden"],
  ["METRICS_SERVER_PORT", "65536"],
  ["METRICS_SERVER_PORT", "-1"],
  ["METRICS_SERVER_PATH", "metrics"],
  ["METRICS_SERVER_PATH", "/readyz"],
  ["METRICS_SERVER_HOST", "a host"],
  ["APP_SERVER_PORT", "http"],
  ["KEEP_RUNS", "all"],
  ["INGESTION_NAMESPACE", "Upper"],
  ["ARGO_NAMESPACE", "a".repeat(64)],
  ["INGESTION_IMAGE", "repository with blanks"],
  ["ARGO_INGESTION_IMAGE", "upper/Case:1"],
  ["INGESTION_IMAGE", "a/b:"],
  ["INGESTION_SERVICE_ACCOUNT_NAME", "a_b"],
  ["ARGO_WORKFLOW_EXECUTOR_SERVICE_ACCOUNT_NAME", "-a"],
  ["INGESTION_IMAGE_PULL_SECRETS", "good,Bad"],
  ["INGESTION_AUTOMOUNT_SA_TOKEN", "yes"],
  ["ARGO_AUTOMOUNT_SA_TOKEN", "True"],
  ["INGESTION_DISABLE_VERSION_VALIDATION", "1"],
  ["DYNAMIC_INGESTION_VERSION_ENABLED", "on"],
  ["INGESTION_CPU_LIMIT", "1 core"],
  ["INGESTION_CPU_LIMIT", "0"],
  ["ARGO_WORKFLOW_CPU_REQUEST", "-1"],
  ["INGESTION_MEMORY_LIMIT", "4GB"],
  ["INGESTION_MEMORY_LIMIT", "512m"],
  ["ARGO_WORKFLOW_MEMORY_REQUEST", "much"],
  ["INGESTION_AUTOMATION_WORKFLOW_CPU_LIMIT", "1000mm"],
  ["ARGO_AUTOMATION_WORKFLOW_MEMORY_LIMIT", "Mi"],
  ["INGESTION_CUSTOMER_TOLERATION", "a=b:Sometimes"],
  ["ARGO_WORKFLOW_CUSTOMER_TOLERATION", '[{"key":"a","effekt":"NoSchedule"}]'],
  ["INGESTION_CUSTOMER_TOLERATION", '[{"key":"a"'],
  ["SIMPLEK8S_PIPELINE_TYPE_CONFIGS", "{automation"],
  ["ARGO_PIPELINE_TYPE_CONFIGS", '["automation"]'],
  ["ARGO_PIPELINE_TYPE_CONFIGS", '{"automation":"high"}'],
  ["ARGO_INGESTION_CONTAINER_SPEC_FILE_PATH", "a\0b"],
  ["PIPELINE_SERVICE_CLIENT_ENDPOINT", "ftp://argo:2746"],
  ["PIPELINE_SERVICE_CLIENT_ENDPOINT", "http://u:p@argo:2746"],
  ["ARGO_SECONDS_AFTER_COMPLETION_TTL", "1w"],
  ["ARGO_TEST_CONNECTION_BACKOFF_TIME", "1.5"],
])("%s=%j is refused by its name", (name, value) => {
  const text = problemsOf({ [name]: value });
  expect(text).toContain(`1 problem(s)\n  - ${name} must be `);
});

test.each([
  ["INGESTION_CPU_LIMIT", "ingestionCpuLimit", ["2", "0.5", "1000m", "1e3"]],
  ["INGESTION_MEMORY_LIMIT", "ingestionMemoryLimit", ["4096Mi", "4Gi", "4G", "1.5Gi", "4294967296", "4e9"]],
  [
    "INGESTION_IMAGE",
    "ingestionImage",
    [
      "a",
      "localhost:5000/a/b:1",
      `registry.example.com/a__b/c@sha256:${"0".repeat(64)}`,
      "openmetadata/ingestion:1.2.3",
    ],
  ],
] as const)("%s takes every usual spelling as it is", (name, key, values) => {
  for (const value of values) {
    const { settings } = loadSettings({ flags: {}, environment: { ...BASE, [name]: value } });
    expect(settings[key]).toBe(value);
  }
});

test.each([
  ["dedicated", [{ key: "dedicated", operator: "Exists" }]],
  ["dedicated:NoExecute", [{ key: "dedicated", operator: "Exists", effect: "NoExecute" }]],
  [
    "a.example/b=c, d=e:PreferNoSchedule",
    [
      { key: "a.example/b", operator: "Equal", value: "c" },
      { key: "d", operator: "Equal", value: "e", effect: "PreferNoSchedule" },
    ],
  ],
  ['{"operator":"Exists"}', [{ operator: "Exists" }]],
  [
    '[{"key":"a","operator":"Equal","value":"b","effect":"NoExecute","tolerationSeconds":60}]',
    [{ key: "a", operator: "Equal", value: "b", effect: "NoExecute", tolerationSeconds: 60 }],
  ],
])("toleration %s is read", (value, expected) => {
  const environment = { ...BASE, INGESTION_CUSTOMER_TOLERATION: value };
  expect(loadSettings({ flags: {}, environment }).settings.ingestionTolerations).toEqual(expected);
});

test("a request above its limit is told with both names as they were used", () => {
  expect(problemsOf({ ARGO_WORKFLOW_MEMORY_REQUEST: "5Gi", INGESTION_MEMORY_LIMIT: "4096Mi" })).toContain(
    "ARGO_WORKFLOW_MEMORY_REQUEST must be at most what INGESTION_MEMORY_LIMIT says",
  );
  expect(problemsOf({ INGESTION_CPU_REQUEST: "1", INGESTION_CPU_LIMIT: "1000m" })).toBe("no problem");
});

test("the two places of the metrics must differ", () => {
  expect(problemsOf({ APP_SERVER_PORT: "8989" })).toContain(
    "APP_SERVER_PORT must be another port than METRICS_SERVER_PORT",
  );
});

test("no message repeats a value, whatever the setting is", () => {
  const needle = "n33dle\0-{[";
  const environment = Object.fromEntries(SETTING_KEYS.map((key) => [SETTINGS[key].variables.at(-1) ?? "", needle]));
  const text = problemsOf(environment);
  expect(text).toContain("problem(s)");
  expect(text.split("\n").length).toBeGreaterThan(40);
  expect(text).not.toContain("n33dle");
});
