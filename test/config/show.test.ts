import { expect, test } from "vitest";
import { evaluateSettings } from "../../src/config/load.ts";
import { RUNNER_SETTINGS } from "../../src/config/settings.ts";
import { type ShownSetting, showSettings } from "../../src/config/show.ts";
import { evaluateGatewaySettings } from "../../src/gateway/config.ts";
import { GATEWAY_SETTINGS } from "../../src/gateway/settings.ts";

const BASE = { SERVER_URL: "wss://gateway.example", AUTH_TOKEN: "t0ken", INGESTION_IMAGE: "a/b:1" };

function shown(environment: Record<string, string>): readonly ShownSetting[] {
  return showSettings(RUNNER_SETTINGS, evaluateSettings({ flags: {}, environment }));
}

function shownOfGateway(environment: Record<string, string>): readonly ShownSetting[] {
  const sources = { flags: {}, environment: { XDG_STATE_HOME: "/state", ...environment } };
  return showSettings(GATEWAY_SETTINGS, evaluateGatewaySettings(sources));
}

const textIn = (settings: readonly ShownSetting[], name: string): readonly (string | undefined)[] => {
  const found = settings.find((setting) => setting.name === name);
  return [found?.text, found?.origin];
};

test.each(["process", "simpleK8s", "argo"])(
  "with the executor %s no setting is shown without what counts for it",
  (EXECUTOR_TYPE) => {
    for (const setting of [...shown({ ...BASE, EXECUTOR_TYPE }), ...shownOfGateway({})]) {
      expect(setting.text, setting.name).not.toMatch(/^(?:-|\s*)$/);
      expect(setting.origin, setting.name).toMatch(/^(?:default|worked out: .+|variable \w+)$/);
    }
  },
);

test("every setting whose default is no value says what counts then, for documents and for people", () => {
  for (const { rows } of [RUNNER_SETTINGS, GATEWAY_SETTINGS]) {
    for (const [key, row] of Object.entries(rows)) {
      const value = row.fallback?.();
      if (row.fallback !== undefined && (value === undefined || value === "")) expect(row.otherwise, key).toMatch(/\w/);
    }
  }
});

test("what follows from other settings is shown as the value that counts, with what it follows from", () => {
  const pods = shown(BASE);
  const why = "worked out: the executor is simpleK8s";
  expect(textIn(pods, "EXECUTOR_TYPE")).toEqual(["simpleK8s", "worked out: variable INGESTION_IMAGE is set"]);
  expect(textIn(pods, "INGESTION_COMMAND")).toEqual(['["python","main.py"]', why]);
  expect(textIn(pods, "SECRETS_MANAGER")).toEqual(["kubernetes", why]);
  expect(textIn(pods, "MAX_CONCURRENT_RUNS")).toEqual(["1000", why]);
  expect(textIn(pods, "SERVER_HOST_API_URL")).toEqual(["https://gateway.example/api", "worked out: from SERVER_URL"]);
  const place = "worked out: in HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY";
  const gateway = shownOfGateway({});
  expect(textIn(gateway, "HYBRID_RUNNER_GATEWAY_STORE_KEY_FILE")).toEqual([
    "/state/hybrid-runner-gateway/store.key",
    place,
  ]);
  expect(textIn(gateway, "HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN_FILE")).toEqual([
    "/state/hybrid-runner-gateway/admin-token",
    place,
  ]);
});

test("no value that was asked for is shown as it was asked for", () => {
  const settings = shown({ ...BASE, METRICS_SERVER_PORT: "0", APP_SERVER_PORT: "OFF", INGESTION_RUN_AS_USER: "image" });
  expect(textIn(settings, "METRICS_SERVER_PORT")).toEqual(["off", "variable METRICS_SERVER_PORT"]);
  expect(textIn(settings, "APP_SERVER_PORT")).toEqual(["off", "variable APP_SERVER_PORT"]);
  expect(textIn(settings, "INGESTION_RUN_AS_USER")).toEqual(["image", "variable INGESTION_RUN_AS_USER"]);
});

test("what is missing or wrong has no value, and no other is shown in its place", () => {
  const settings = shown({ METRICS_SERVER_PORT: "http", DATA_DIRECTORY: "~/x" });
  expect(textIn(settings, "SERVER_URL")).toEqual(["-", "missing"]);
  expect(textIn(settings, "METRICS_SERVER_PORT")).toEqual(["-", "variable METRICS_SERVER_PORT"]);
  expect(textIn(settings, "DATA_DIRECTORY")).toEqual(["-", "variable DATA_DIRECTORY"]);
  const gateway = shownOfGateway({ HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY: "~/x" });
  expect(textIn(gateway, "HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY")).toEqual([
    "-",
    "variable HYBRID_RUNNER_GATEWAY_DATA_DIRECTORY",
  ]);
  expect(textIn(gateway, "HYBRID_RUNNER_GATEWAY_STORE_KEY_FILE")).toEqual([
    "store.key in the data directory",
    "default",
  ]);
});
