import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CodedError } from "../../src/base/errors.ts";
import type { SettingRow } from "../../src/config/settings/row.ts";
import { GATEWAY_FLAGS, type GatewayConfig, gatewayFlag, readGatewayConfig } from "../../src/gateway/config.ts";
import { GATEWAY_SETTINGS, type GatewaySettings } from "../../src/gateway/settings.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

async function failure(args: readonly string[], environment: Record<string, string> = {}): Promise<CodedError> {
  try {
    await readGatewayConfig(args, environment);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error("accepted");
}

test("readGatewayConfig has defaults that reach nobody else", async () => {
  const config = await readGatewayConfig([], { XDG_STATE_HOME: "/state" });
  expect(config).toEqual({
    dataDirectory: "/state/hybrid-runner-gateway",
    host: "127.0.0.1",
    port: 8580,
    adminToken: undefined,
    adminTokenFile: "/state/hybrid-runner-gateway/admin-token",
    tlsCertFile: undefined,
    tlsKeyFile: undefined,
    storeKeyFile: "/state/hybrid-runner-gateway/store.key",
    captureFrames: undefined,
    serverApiUrl: undefined,
    serverVersion: undefined,
    queueTimeoutSeconds: 3600,
    runLogLimitMb: 200,
    runnerLogLimitMb: 5000,
    storeLogLimitMb: 20_000,
    keepRuns: 1000,
    keepRunsDays: 90,
    logLevel: "info",
    logFormat: "text",
  } satisfies GatewayConfig);
});

test("readGatewayConfig takes flags before variables", async () => {
  const config = await readGatewayConfig(
    ["--port", "0", "--data-directory=/here", "--json", "--server-api-url", "https://om.example/api/"],
    {
      HYBRID_RUNNER_GATEWAY_PORT: "9000",
      HYBRID_RUNNER_GATEWAY_HOST: "0.0.0.0",
      HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS: "",
      HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN: "0123456789abcdef",
      HYBRID_RUNNER_GATEWAY_STORE_KEY_FILE: "/elsewhere/key",
    },
  );
  expect(config).toMatchObject({
    port: 0,
    host: "0.0.0.0",
    dataDirectory: "/here",
    storeKeyFile: "/elsewhere/key",
    queueTimeoutSeconds: 3600,
    runLogLimitMb: 200,
    runnerLogLimitMb: 5000,
    storeLogLimitMb: 20_000,
    keepRuns: 1000,
    keepRunsDays: 90,
    logFormat: "json",
    serverApiUrl: "https://om.example/api",
  });
  expect(config.adminToken?.reveal()).toBe("0123456789abcdef");
});

test("readGatewayConfig tells all problems at once by the names that were used, and no secret", async () => {
  const error = await failure(["--port", "65536", "--tls-cert-file", "/cert.pem"], {
    HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS: "soon",
    HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN: "short-one",
    HYBRID_RUNNER_GATEWAY_SERVER_API_URL: "https://user:pass-word@om.example/api",
    HYBRID_RUNNER_GATEWAY_PROT: "8000",
  });
  expect(error.code).toBe("ConfigInvalid");
  expect(error.message.split("\n")).toHaveLength(7);
  for (const name of [
    "--port must be a whole number from 0 to 65535",
    "HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS must be",
    "HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN must be",
    "HYBRID_RUNNER_GATEWAY_SERVER_API_URL must be",
    "HYBRID_RUNNER_GATEWAY_PROT is not a setting",
    "--tls-key-file",
  ]) {
    expect(error.message).toContain(name);
  }
  expect(error.message).not.toMatch(/short-one|pass-word/);
});

test("readGatewayConfig refuses unknown flags and words, and the admin token as a flag", async () => {
  expect((await failure(["--prot", "1"])).code).toBe("UsageError");
  expect((await failure(["--port", "1", "surplus"])).code).toBe("UsageError");
  expect((await failure(["--admin-token", "0123456789abcdef"])).code).toBe("UsageError");
});

test("readGatewayConfig refuses an admin token given twice", async () => {
  const error = await failure(["--admin-token-file", "/file"], {
    HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN: "0123456789abcdef",
  });
  expect(error.message).toContain("exclude each other");
});

test("readGatewayConfig isn't confused by the variables Kubernetes makes of Services", async () => {
  const config = await readGatewayConfig([], {
    HYBRID_RUNNER_GATEWAY_SERVICE_HOST: "10.0.0.1",
    HYBRID_RUNNER_GATEWAY_SERVICE_PORT: "8580",
    HYBRID_RUNNER_GATEWAY_SERVICE_PORT_HTTP: "8580",
    HYBRID_RUNNER_GATEWAY_PORT: "tcp://10.0.0.1:8580",
    HYBRID_RUNNER_GATEWAY_PORT_8580_TCP: "tcp://10.0.0.1:8580",
    HYBRID_RUNNER_GATEWAY_PORT_8580_TCP_ADDR: "10.0.0.1",
    HYBRID_RUNNER_GATEWAY_UI_PORT: "tcp://10.0.0.2:80",
    HYBRID_RUNNER_GATEWAY_UI_SERVICE_HOST: "10.0.0.2",
  });
  expect(config).toMatchObject({ host: "127.0.0.1", port: 8580 });
});

test.each(["1.13.3", "1.13.3.2", "1.13.3-SNAPSHOT", "1.14.0-rc.1", "1.13.0.dev0+build.7"])(
  "readGatewayConfig takes %s for a server's version, as a flag and as a variable",
  async (version) => {
    expect((await readGatewayConfig(["--server-version", version], {})).serverVersion).toBe(version);
    expect((await readGatewayConfig([], { HYBRID_RUNNER_GATEWAY_SERVER_VERSION: version })).serverVersion).toBe(
      version,
    );
  },
);

test.each(["1.13", "v1.13.3", "latest", "1.13.x", "1.13.3 ", "1.13.3-", "1.13.3\nx", `1.13.3-${"a".repeat(64)}`])(
  "readGatewayConfig refuses %j as a server's version",
  async (version) => {
    const error = await failure([], { HYBRID_RUNNER_GATEWAY_SERVER_VERSION: version });
    expect(error.message).toContain("HYBRID_RUNNER_GATEWAY_SERVER_VERSION must be a version such as 1.13.3");
  },
);

test("readGatewayConfig takes flags before variables before the file before defaults, and points to the gateway's page", async () => {
  const file = join(await temporaryDirectory(), "gateway.yaml");
  await writeFile(file, "port: 1000\nhost: 0.0.0.0\nqueueTimeoutSeconds: 60\nadminToken: 0123456789abcdef\n");
  const variables = {
    HYBRID_RUNNER_GATEWAY_CONFIG_FILE: file,
    HYBRID_RUNNER_GATEWAY_HOST: "::1",
    XDG_STATE_HOME: "/s",
  };
  const config = await readGatewayConfig(["--port", "1"], variables);
  expect(config).toMatchObject({ port: 1, host: "::1", queueTimeoutSeconds: 60, logLevel: "info" });
  expect(config.adminToken?.reveal()).toBe("0123456789abcdef");
  expect(await readGatewayConfig(["--config", file], { XDG_STATE_HOME: "/s" })).toMatchObject({ port: 1000 });

  await writeFile(file, "prot: 1000\nagentId: x\n");
  const error = await failure(["--config", file, "--host", "0.0.0.0 "], { HYBRID_RUNNER_GATEWAY_PROT: "1" });
  expect(error.message).toContain("prot in the configuration file is not a setting: write port");
  expect(error.message).toContain("agentId in the configuration file is not a setting");
  expect(error.message).toContain(
    "HYBRID_RUNNER_GATEWAY_PROT is not a setting of the gateway: write HYBRID_RUNNER_GATEWAY_PORT",
  );
  expect(error.message).toContain("--host must be");
  expect(error.advice).toContain("docs/gateway-configuration.md");
});

test("a variable of the gateway whose beginning is misspelt is told as well, set or not", async () => {
  for (const name of ["HYBRID_RUNER_GATEWAY_PORT", "HYBRID_RUNNER_GATWAY_PORT", "hybrid_runner_gateway_port"]) {
    const told = `${name} is not a setting of the gateway: write HYBRID_RUNNER_GATEWAY_PORT`;
    expect((await failure([], { [name]: "1" })).message).toContain(told);
    expect((await failure([], { [name]: "1", HYBRID_RUNNER_GATEWAY_PORT: "2" })).message).toContain(told);
  }
  await readGatewayConfig([], { HYBRID_RUNER_GATEWAY_PORT: "", PORT: "1", XDG_STATE_HOME: "/s" });
});

test("every setting of the gateway has one variable of its own kind, and all but the secret ones a flag", () => {
  for (const [key, row] of Object.entries(GATEWAY_SETTINGS.rows) as [keyof GatewaySettings, SettingRow<unknown>][]) {
    expect(row.variables, key).toHaveLength(1);
    expect(row.variables[0], key).toMatch(/^HYBRID_RUNNER_GATEWAY_[A-Z_]+$/);
    expect(Object.keys(GATEWAY_FLAGS).includes(gatewayFlag(key)), key).toBe(row.secret === undefined);
  }
});
