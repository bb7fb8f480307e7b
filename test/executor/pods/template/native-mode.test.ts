import { expect, test } from "vitest";
import { nativeConfig, nativeVariables } from "../../../../src/executor/pods/template/native-mode.ts";

const TOLD = { secretsManagerProvider: "aws", secretsManagerLoader: "env" };

test("nativeConfig names the customer's store in the configurations of pipelines and of automations", () => {
  const server = { hostPort: "h", secretsManagerProvider: "db", secretsManagerLoader: "airflow" };
  const aws = { provider: "absent", store: "aws" };
  expect(
    nativeConfig({ source: {}, workflowConfig: { openMetadataServerConfig: server, loggerLevel: "INFO" } }, aws),
  ).toEqual({
    source: {},
    workflowConfig: { openMetadataServerConfig: { hostPort: "h", ...TOLD }, loggerLevel: "INFO" },
  });
  expect(nativeConfig({ name: "test", openMetadataServerConnection: server }, aws)).toEqual({
    name: "test",
    openMetadataServerConnection: { hostPort: "h", ...TOLD },
  });
});

test("nativeConfig leaves a configuration without server as it is", () => {
  const config = { source: { openMetadataServerConfig: "not here" }, list: [1] };
  expect(nativeConfig(config, { provider: "kubernetes" })).toEqual(config);
});

test("the image is told that it is in a cluster only where it reads Kubernetes' Secrets", () => {
  expect(nativeVariables({ provider: "absent", store: "aws" }, "ns")).toEqual([]);
  expect(nativeVariables({ provider: "kubernetes" }, "ns")).toContainEqual({
    name: "KUBERNETES_NAMESPACE",
    value: "ns",
  });
  expect(nativeVariables({ provider: "kubernetes", namespace: "vault" }, "ns")).toEqual([
    { name: "KUBERNETES_IN_CLUSTER", value: "true" },
    { name: "KUBERNETES_NAMESPACE", value: "vault" },
  ]);
});
