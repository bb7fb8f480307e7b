import { isJsonObject } from "../../../base/exact-json.ts";
import type { EnvVar } from "../../../kubernetes/objects.ts";
import type { Json, JsonObject } from "../../../protocol/messages.ts";
import { literal } from "./literal.ts";

/*
 * In the mode `native` the ingestion image resolves secret references by its own means. Which store it asks, and that it takes
 * credentials from its surroundings, stands in the server's part of the configuration, where OpenMetadata writes its own store
 * (facts: openmetadata-contract §6.2): both have to be the customer's.
 */

/** Where a configuration has the server: in that of a pipeline, and in that of an automation or application. */
const SERVER_FIELDS = ["openMetadataServerConfig", "openMetadataServerConnection"];

/** The configuration with the customer's store in place of the server's. A configuration without a server stays as it is. */
export function nativeConfig(config: JsonObject, secrets: Json): JsonObject {
  const store = storeName(secrets);
  if (store === undefined) return config;
  const told = { secretsManagerProvider: store, secretsManagerLoader: "env" };
  const result: JsonObject = {};
  for (const [key, value] of Object.entries(config)) {
    if (SERVER_FIELDS.includes(key) && isJsonObject(value)) result[key] = { ...value, ...told };
    else if (key === "workflowConfig" && isJsonObject(value)) result[key] = nativeConfig(value, secrets);
    else result[key] = value;
  }
  return result;
}

/** What the image's own client of Kubernetes' Secrets wants to know; it believes to be outside of a cluster unless it is told. */
export function nativeVariables(secrets: Json, namespace: string): readonly EnvVar[] {
  if (storeName(secrets) !== "kubernetes") return [];
  const told = isJsonObject(secrets) ? secrets["namespace"] : undefined;
  return [
    { name: "KUBERNETES_IN_CLUSTER", value: "true" },
    { name: "KUBERNETES_NAMESPACE", value: literal(typeof told === "string" ? told : namespace) },
  ];
}

/** The store as OpenMetadata names it. What is absent here may well be present in the image. */
function storeName(secrets: Json): string | undefined {
  if (!isJsonObject(secrets)) return undefined;
  const { provider, store } = secrets;
  const name = provider === "absent" ? store : provider;
  return typeof name === "string" ? name : undefined;
}
