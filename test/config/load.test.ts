import { expect, test } from "vitest";
import { loadSettings } from "../../src/config/load.ts";
import { flagOf, SETTING_KEYS } from "../../src/config/settings.ts";

const required = { SERVER_URL: "wss://gateway.example", AUTH_TOKEN: "t0ken", INGESTION_COMMAND: '["true"]' };
const load = (environment: Record<string, string>, rest: { flags?: Record<string, string>; file?: unknown } = {}) =>
  loadSettings({ flags: rest.flags ?? {}, environment: { ...required, ...environment }, file: rest.file });

function problemsOf(
  environment: Record<string, string>,
  rest: { flags?: Record<string, string>; file?: unknown } = {},
): string {
  try {
    loadSettings({ flags: rest.flags ?? {}, environment, file: rest.file });
  } catch (error) {
    return (error as Error).message;
  }
  return "no problem";
}

test("loadSettings fills defaults and says so", () => {
  const { settings, origins, warnings } = load({});
  expect(settings).toMatchObject({
    agentId: "RemoteRunner",
    executorType: "process",
    maxConcurrentRuns: 10,
    secretsManager: "env",
  });
  expect(origins).toMatchObject({ agentId: "default", serverUrl: "variable SERVER_URL" });
  expect(warnings).toEqual([]);
});

test("loadSettings prefers flag over environment over file over default", () => {
  const file = { maxConcurrentRuns: 3, agentId: "from-file", logLevel: "debug" };
  const { settings, origins } = load(
    { AGENT_ID: "from-env", MAX_CONCURRENT_RUNS: "4" },
    { flags: { "max-concurrent-runs": "5" }, file },
  );
  expect(settings).toMatchObject({ maxConcurrentRuns: 5, agentId: "from-env", logLevel: "debug" });
  expect(origins).toMatchObject({
    maxConcurrentRuns: "flag --max-concurrent-runs",
    agentId: "variable AGENT_ID",
    logLevel: "file",
  });
});

test("loadSettings tells every problem at once, each with the name that was used, and no password of an address", () => {
  const text = problemsOf(
    {
      SERVER_URL: "ftp://user:hunter2secret@x",
      MAX_CONCURRENT_RUNS: "many",
      SECRETS_MANAGER: "file",
      LOG_LEVEL: "loud",
    },
    { file: { colour: "red" } },
  );
  for (const part of [
    "SERVER_URL must be",
    "MAX_CONCURRENT_RUNS must be",
    "LOG_LEVEL must be one of: debug",
    "colour in the configuration file",
    "AUTH_TOKEN or AUTH_TOKEN_FILE",
    "SECRETS_DIRECTORY",
    "INGESTION_COMMAND is missing",
  ]) {
    expect(text).toContain(part);
  }
  expect(text).toContain("7 problems");
  expect(text).not.toContain("hunter2secret");
});

test("loadSettings counts an empty text as not set", () => {
  expect(load({ AGENT_ID: "" }).settings.agentId).toBe("RemoteRunner");
  expect(problemsOf({ ...required, SERVER_URL: "" })).toContain("SERVER_URL is missing");
});

test.each([
  ["gateway.example", "wss://gateway.example"],
  ["gateway.example:8443", "wss://gateway.example:8443"],
  ["https://gateway.example/base/", "wss://gateway.example/base"],
  ["WSS://gateway.example", "wss://gateway.example"],
  ["ws://127.0.0.1:8580", "ws://127.0.0.1:8580"],
  ["http://127.0.0.1:8580", "ws://127.0.0.1:8580"],
])("SERVER_URL %s means %s", (given, meant) => {
  expect(load({ SERVER_URL: given }).settings.serverUrl).toBe(meant);
});

test.each(["ftp://x", "wss://", "wss://u:p@x", "wss://x?y=1", "wss://x#f", "://"])(
  "SERVER_URL %s is refused",
  (given) => {
    expect(problemsOf({ ...required, SERVER_URL: given })).toContain("SERVER_URL must be an address such as wss://");
  },
);

test("a connection without TLS is told loudly, and only that one", () => {
  expect(load({ SERVER_URL: "ws://127.0.0.1:1" }).warnings).toEqual([expect.stringContaining("without TLS")]);
  expect(load({ SERVER_URL: "127.0.0.1:1" }).warnings).toEqual([]);
});

test("INGESTION_EXTRA_ENVS wins over its old names, with one warning for the conflict", () => {
  const { settings, warnings } = load({ INGESTION_EXTRA_ENVS: "[A:1]", ARGO_EXTRA_ENVS: "[A:2]" });
  expect(settings.ingestionExtraEnvs).toEqual({ A: "1" });
  expect(warnings).toEqual(["INGESTION_EXTRA_ENVS wins over ARGO_EXTRA_ENVS, which differ"]);
  expect(load({ ARGO_EXTRA_ENVS_NOOP: "[B:x]" }).warnings).toEqual([
    "ARGO_EXTRA_ENVS_NOOP is an old name: use INGESTION_EXTRA_ENVS",
  ]);
});

test.each([
  ["[A:1, B : two ]", { A: "1", B: "two" }],
  ["A:1", { A: "1" }],
  ["URL:http://x:80/y", { URL: "http://x:80/y" }],
  ["[]", {}],
  ['{"LIST":"a,b","E":""}', { LIST: "a,b", E: "" }],
  ["[A:]", { A: "" }],
])("extra environment %s is read", (given, expected) => {
  expect(load({ INGESTION_EXTRA_ENVS: given }).settings.ingestionExtraEnvs).toEqual(expected);
});

test.each(["[A]", "[1A:x]", '{"A":1}', '{"A', "[a b:c]"])("extra environment %s is refused", (given) => {
  expect(problemsOf({ ...required, INGESTION_EXTRA_ENVS: given })).toContain("INGESTION_EXTRA_ENVS must be");
});

test.each(["python main.py", "[]", '["",1]', "{}", '[""]'])("INGESTION_COMMAND %s is refused", (given) => {
  expect(problemsOf({ ...required, INGESTION_COMMAND: given })).toContain("INGESTION_COMMAND must be a JSON list");
});

test("lists and mappings of the file are read as they are", () => {
  const { settings } = loadSettings({
    flags: {},
    environment: {},
    file: {
      serverUrl: "wss://x",
      authTokenFile: "/t",
      ingestionCommand: ["python", "main.py"],
      ingestionExtraEnvs: { A: "b,c" },
    },
  });
  expect(settings).toMatchObject({ ingestionCommand: ["python", "main.py"], ingestionExtraEnvs: { A: "b,c" } });
});

test("the token is never printed", () => {
  expect(JSON.stringify(load({ AUTH_TOKEN: "very-secret-token" }))).not.toContain("very-secret-token");
});

test("flags are unique", () => {
  const flags = SETTING_KEYS.map(flagOf);
  expect(new Set(flags).size).toBe(flags.length);
});
