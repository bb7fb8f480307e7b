import { expect, test } from "vitest";
import { CodedError } from "../../src/base/errors.ts";
import { type GatewayConfig, parseGatewayConfig } from "../../src/gateway/config.ts";

function failure(args: readonly string[], environment: Record<string, string> = {}): CodedError {
  try {
    parseGatewayConfig(args, environment);
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error("accepted");
}

test("parseGatewayConfig has defaults that reach nobody else", () => {
  const config = parseGatewayConfig([], { XDG_STATE_HOME: "/state" });
  expect(config).toEqual({
    dataDirectory: "/state/hybrid-runner-gateway",
    host: "127.0.0.1",
    port: 8580,
    adminToken: undefined,
    adminTokenFile: undefined,
    tlsCertFile: undefined,
    tlsKeyFile: undefined,
    storeKeyFile: "/state/hybrid-runner-gateway/store.key",
    captureFrames: undefined,
    serverApiUrl: undefined,
    serverVersion: undefined,
    queueTimeoutSeconds: 3600,
    logLevel: "info",
    logFormat: "text",
  } satisfies GatewayConfig);
});

test("parseGatewayConfig takes flags before variables", () => {
  const config = parseGatewayConfig(
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
    logFormat: "json",
    serverApiUrl: "https://om.example/api",
  });
  expect(config.adminToken?.reveal()).toBe("0123456789abcdef");
});

test("parseGatewayConfig tells all problems at once by the names that were used, and no secret", () => {
  const error = failure(["--port", "65536", "--tls-cert-file", "/cert.pem", "surplus"], {
    HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS: "soon",
    HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN: "short-one",
    HYBRID_RUNNER_GATEWAY_SERVER_API_URL: "https://user:pass-word@om.example/api",
    HYBRID_RUNNER_GATEWAY_PROT: "8000",
  });
  expect(error.code).toBe("ConfigInvalid");
  expect(error.message.split("\n")).toHaveLength(8);
  for (const name of [
    "--port must be a whole number from 0 to 65535",
    "HYBRID_RUNNER_GATEWAY_QUEUE_TIMEOUT_SECONDS must be",
    "HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN must be",
    "HYBRID_RUNNER_GATEWAY_SERVER_API_URL must be",
    "HYBRID_RUNNER_GATEWAY_PROT is not a setting",
    '"surplus" is not a flag',
    "--tls-key-file",
  ]) {
    expect(error.message).toContain(name);
  }
  expect(error.message).not.toMatch(/short-one|pass-word/);
});

test("parseGatewayConfig refuses unknown flags, and the admin token as a flag", () => {
  expect(failure(["--prot", "1"]).code).toBe("UsageError");
  expect(failure(["--admin-token", "0123456789abcdef"]).code).toBe("UsageError");
});

test("parseGatewayConfig refuses an admin token given twice", () => {
  const error = failure(["--admin-token-file", "/file"], { HYBRID_RUNNER_GATEWAY_ADMIN_TOKEN: "0123456789abcdef" });
  expect(error.message).toContain("exclude each other");
});

test("parseGatewayConfig isn't confused by the variables Kubernetes makes of Services", () => {
  const config = parseGatewayConfig([], {
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
  "parseGatewayConfig takes %s for a server's version, as a flag and as a variable",
  (version) => {
    expect(parseGatewayConfig(["--server-version", version], {}).serverVersion).toBe(version);
    expect(parseGatewayConfig([], { HYBRID_RUNNER_GATEWAY_SERVER_VERSION: version }).serverVersion).toBe(version);
  },
);

test.each(["1.13", "v1.13.3", "latest", "1.13.x", "1.13.3 ", "1.13.3-", "1.13.3\nx", `1.13.3-${"a".repeat(64)}`])(
  "parseGatewayConfig refuses %j as a server's version",
  (version) => {
    const error = failure([], { HYBRID_RUNNER_GATEWAY_SERVER_VERSION: version });
    expect(error.message).toContain("HYBRID_RUNNER_GATEWAY_SERVER_VERSION must be a version such as 1.13.3");
  },
);
