import { describe, expect, test } from "vitest";
import { loadSettings } from "../../src/config/load.ts";
import { SETTING_KEYS, SETTINGS } from "../../src/config/settings.ts";
import { path } from "../../src/config/values.ts";

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
  ["INGESTION_NODE_SELECTOR", "pool"],
  ["INGESTION_NODE_SELECTOR", "pool=a b"],
  ["INGESTION_NODE_SELECTOR", '{"gpu":true}'],
  ["INGESTION_AFFINITY", '{"nodeAfinity":{}}'],
  ["INGESTION_AFFINITY", "[]"],
  ["INGESTION_PRIORITY_CLASS_NAME", "High"],
  ["INGESTION_POD_LABELS", "/team=a"],
  ["INGESTION_POD_LABELS", `team=${"a".repeat(64)}`],
  ["INGESTION_POD_LABELS", "hybrid-runner/run-id=1"],
  ["INGESTION_POD_ANNOTATIONS", '["a"]'],
  ["INGESTION_IMAGE_PULL_POLICY", "Sometimes"],
  ["INGESTION_READ_ONLY_ROOT", "no"],
  ["INGESTION_RUN_AS_USER", "0"],
  ["INGESTION_RUN_AS_USER", "root"],
  ["INGESTION_TTL_SECONDS", "1h"],
  ["INGESTION_START_TIMEOUT_SECONDS", "-1"],
  ["INGESTION_AUTOMATION_COMMAND", "python main.py"],
  ["INGESTION_APPLICATION_COMMAND", "[]"],
  ["SECRETS_MODE", "runner"],
  ["WRAPPER_IMAGE", "Not An Image"],
  ["WRAPPER_DELIVERY", "carrier pigeon"],
  ["PIPELINE_SERVICE_CLIENT_ENDPOINT", "ftp://argo:2746"],
  ["PIPELINE_SERVICE_CLIENT_ENDPOINT", "http://u:p@argo:2746"],
  ["ARGO_SECONDS_AFTER_COMPLETION_TTL", "1w"],
  ["ARGO_TEST_CONNECTION_BACKOFF_TIME", "1.5"],
])("%s=%j is refused by its name", (name, value) => {
  const text = problemsOf({ [name]: value });
  expect(text).toContain(`1 problem\n  - ${name} must be `);
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

describe("with the executor simpleK8s", () => {
  const base = { EXECUTOR_TYPE: "simpleK8s", INGESTION_IMAGE: "a/b:1" };

  test("a missing image is told by its name", () => {
    expect(problemsOf({ EXECUTOR_TYPE: "simpleK8s" })).toContain("1 problem\n  - INGESTION_IMAGE is missing");
    expect(problemsOf(base)).toBe("no problem");
  });

  test("extra variables that the runner sets itself are told without their values", () => {
    const text = problemsOf({ ...base, ARGO_EXTRA_ENVS: "[config:n33dle,PROXY:p,HYBRID_RUNNER_POD_SECRETS:n33dle]" });
    expect(text).toContain("ARGO_EXTRA_ENVS must be without");
    expect(text).toContain("config, HYBRID_RUNNER_POD_SECRETS");
    expect(text).not.toContain("n33dle");
  });

  test.each([
    [{ usage: { restartPolicy: "Always" } }, "usage.restartPolicy can't be set: a run is one pod"],
    [{ usage: { priorityClass: "n33dle" } }, "usage.priorityClass is no field"],
    [{ usage: { containers: [{ name: "main", args: ["n33dle"] }] } }, "usage.containers.0.args can't be set"],
    [{ usage: { containers: [{ image: "n33dle" }] } }, "usage.containers.0 has no name"],
    [{ usage: { volumes: [{ name: "hybrid-runner-config" }] } }, "usage.volumes.0.name is one of the runner's own"],
    [{ usage: { tolerations: "n33dle" } }, "usage.tolerations must be a list"],
  ])("a pipeline type's %j is told with its place", (configs, expected) => {
    const text = problemsOf({ ...base, SIMPLEK8S_PIPELINE_TYPE_CONFIGS: JSON.stringify(configs) });
    expect(text).toContain(`1 problem\n  - SIMPLEK8S_PIPELINE_TYPE_CONFIGS has a mistake: ${expected}`);
    expect(text).not.toContain("n33dle");
  });

  test.each(["env", "file"])("the mode native is refused with the secret store %s", (store) => {
    const given = { ...base, SECRETS_MODE: "native", SECRETS_MANAGER: store, SECRETS_FILE: "/x" };
    expect(problemsOf(given)).toContain("SECRETS_MODE=native needs a secret store that the ingestion image knows");
    expect(problemsOf({ ...base, SECRETS_MODE: "native", SECRETS_MANAGER: "aws" })).toBe("no problem");
  });
});

test.each([
  [
    "INGESTION_NODE_SELECTOR",
    "pool=a, kubernetes.io/os=linux,empty=",
    { pool: "a", "kubernetes.io/os": "linux", empty: "" },
  ],
  ["INGESTION_POD_LABELS", '{"team":"data"}', { team: "data" }],
  ["INGESTION_POD_ANNOTATIONS", '{"a.example/b":"any, text = here"}', { "a.example/b": "any, text = here" }],
  ["INGESTION_POD_ANNOTATIONS", "a=b=c", { a: "b=c" }],
  ["INGESTION_AFFINITY", '{"nodeAffinity":{"x":1}}', { nodeAffinity: { x: 1 } }],
  ["INGESTION_RUN_AS_USER", "image", undefined],
  ["INGESTION_RUN_AS_USER", "50000", 50_000],
  ["INGESTION_IMAGE_PULL_POLICY", "always", "Always"],
  ["WRAPPER_DELIVERY", "imagevolume", "imageVolume"],
])("%s=%s is read", (name, value, expected) => {
  const { settings } = loadSettings({ flags: {}, environment: { ...BASE, [name]: value } });
  const key = SETTING_KEYS.find((candidate) => SETTINGS[candidate].variables[0] === name);
  expect(settings[key ?? "agentId"]).toEqual(expected);
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

/** The settings whose values may hold anything, credentials too. */
const CLOSED = ["AUTH_TOKEN", "ARGO_TOKEN", "INGESTION_EXTRA_ENVS"];

test("a message shows what was found, but nothing of a secret, of a list or of what looks like a token", () => {
  const told = (of: (name: string) => string): readonly string[] => {
    const environment = Object.fromEntries(
      SETTING_KEYS.map((key) => SETTINGS[key].variables[0]).map((name) => [name, of(name)]),
    );
    const problems = problemsOf(environment).split("\n  - ").slice(1);
    return problems.filter((problem) => problem.includes(" must be ") && problem.includes("; found "));
  };
  const plain = told(() => "n33dle\0 x");
  expect(plain.length).toBeGreaterThan(40);
  for (const problem of plain) {
    const isClosed = CLOSED.some((name) => problem.startsWith(`${name} `));
    expect([problem, problem.includes('found "n33dle\\u0000 x"')]).toEqual([problem, !isClosed]);
    expect([problem, isClosed === problem.includes("found 9 characters")]).toEqual([problem, true]);
  }
  const closed = [
    () => "eyJhbGciOiJSUzI1NiJ9.n33dle1234567890",
    () => "https://user:n33dle@[",
    () => '["n33dle"',
    () => '{"n33dle\0":',
  ];
  for (const text of closed) expect(told(text).join("\n")).not.toContain("n33dle");
  expect(told(() => '["a", b]').find((problem) => problem.startsWith("INGESTION_COMMAND"))).toContain(
    "found 8 characters that are no JSON",
  );
});

test("quotes around any setting are refused by its name", () => {
  for (const key of SETTING_KEYS) {
    const name = SETTINGS[key].variables[0];
    for (const quote of ['"', "'"])
      expect(problemsOf({ [name]: `${quote}/x${quote}` })).toContain(`${name} must be without the ${quote} around it`);
  }
});

test("every path is refused that only a shell would make whole", () => {
  const paths = SETTING_KEYS.filter((key) => SETTINGS[key].parse === path).map((key) => SETTINGS[key].variables[0]);
  expect(paths).toContain("DATA_DIRECTORY");
  expect(paths.length).toBeGreaterThan(6);
  for (const name of paths) {
    for (const text of ["~", "~/x", "~other/x", "$HOME/x", `\${HOME}/x`])
      expect(problemsOf({ [name]: text })).toContain(`${name} must be a whole path`);
    for (const text of ["/x/~", "x", "/a$b", "./~"]) expect(problemsOf({ [name]: text })).not.toContain(`${name} must`);
  }
});

test.each([
  ['"eyJ.a.b"', "without the"],
  ["'eyJ.a.b'", "without the"],
  ['"eyJ.a.b', "without quotes"],
  ["Bearer eyJ.a.b", "without the word Bearer"],
  ["bearer:eyJ.a.b", "without the word Bearer"],
  ["AUTH_TOKEN=eyJ.a.b", "without a name before it"],
  ["export AUTH_TOKEN=eyJ.a.b", "without a name before it"],
  ["token: eyJ.a.b", "without a name before it"],
  ['{"token":"eyJ.a.b"}', "not JSON that holds it"],
  ["eyJ.a.b\neyJ.c.d", "one line"],
  ["eyJ.a b", "one word"],
  ["eyJ.a.\u200bb", "a token of printable ASCII characters"],
  ["-----BEGIN CERTIFICATE-----", "not a key or certificate"],
])("a token written as %j is told by what is around it, and not shown", (text, told) => {
  for (const name of ["AUTH_TOKEN", "ARGO_TOKEN"]) {
    const problem = problemsOf({ [name]: text });
    expect(problem).toContain(`1 problem\n  - ${name} must be `);
    expect(problem).toContain(told);
    expect(problem).toContain(`found ${text.length} characters`);
    expect(problem).not.toMatch(/eyJ|BEGIN/);
  }
});

test.each(["eyJhbGci.eyJzdWI.c2ln", "  t0ken\n", "abc+/=_~.-", "tokenx", "s3cr3t#!"])(
  "a token written as %j is taken",
  (text) => {
    const { settings } = loadSettings({ flags: {}, environment: { ...BASE, AUTH_TOKEN: text } });
    expect(settings.authToken?.reveal()).toBe(text.trim());
  },
);

test.each([
  "8443",
  '"gateway.example"',
  "'wss://x'",
  "SERVER_URL=wss://x",
  "0x7f.1",
  "127.1",
  "2130706433",
  "wss://443/x",
  "a b",
  "x;y",
  "wss://https://x",
])("an address is what is written: %s is none", (text) => {
  expect(problemsOf({ SERVER_URL: text })).toContain("SERVER_URL must be");
  expect(problemsOf({ SERVER_HOST_API_URL: text.includes("://") ? text : `https://${text}` })).toContain(
    "SERVER_HOST_API_URL must be",
  );
  expect(problemsOf({ PIPELINE_SERVICE_CLIENT_ENDPOINT: text })).toContain("PIPELINE_SERVICE_CLIENT_ENDPOINT must be");
});

test.each([
  ["Gateway.Example", "wss://gateway.example"],
  ["gateway_1.example.", "wss://gateway_1.example."],
  ["10.0.0.1:8443", "wss://10.0.0.1:8443"],
  ["[::1]:8443", "wss://[::1]:8443"],
  ["wss://[2001:DB8:0:0::1]", "wss://[2001:db8::1]"],
  ["bücher.example", "wss://xn--bcher-kva.example"],
  ["xn--bcher-kva.example/a", "wss://xn--bcher-kva.example/a"],
])("an address is what is written: %s is %s", (text, meant) => {
  expect(loadSettings({ flags: {}, environment: { ...BASE, SERVER_URL: text } }).settings.serverUrl).toBe(meant);
});

test("JSON with a mistake is told by line and column, in words, in every setting that takes JSON", () => {
  const names = SETTING_KEYS.filter((key) => SETTINGS[key].secret === undefined).map(
    (key) => SETTINGS[key].variables[0],
  );
  for (const [text, told] of [
    ['{"n33dle" 1}', "line 1, column 11: a colon must stand there"],
    ['["n33dle"\n "n33dle"]', "line 2, column 2: a comma or ] must stand there"],
    ["['n33dle']", "line 1, column 2: a value or ] must stand there"],
  ] as const) {
    const problems = problemsOf(Object.fromEntries(names.map((name) => [name, text]))).split("\n  - ");
    const ofJson = problems.filter((problem) => /must be .*JSON.*; found/.test(problem));
    expect(ofJson.length).toBeGreaterThan(5);
    for (const problem of ofJson) expect(problem).toContain(`that are no JSON: ${told}`);
    expect(problems.join()).not.toContain("n33dle");
  }
});
