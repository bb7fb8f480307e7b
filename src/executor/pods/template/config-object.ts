import { CodedError } from "../../../base/errors.ts";
import { jsonForYaml } from "../../../base/exact-json.ts";
import { CONFIG_MAPS, type ConfigMap, type OwnerReference, SECRETS, type Secret } from "../../../kubernetes/objects.ts";
import type { JsonObject } from "../../../protocol/messages.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "../errors.ts";
import { CONFIG_KEY } from "../wrapper/wrapper-place.ts";
import type { Manifest } from "./materials.ts";
import { nativeConfig } from "./native-mode.ts";

/**
 * Longest `NAME=value` that a program can be started with: Linux' MAX_ARG_STRLEN with the NUL at its end, the same for every
 * architecture with pages of 4 KiB.
 */
const MAX_VARIABLE_BYTES = 131_071;

/** A configuration object to make. */
export interface ConfigOrder {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly config: JsonObject;
  readonly owner: OwnerReference;
  /** True for what is never changed: then the kubelets needn't watch it. */
  readonly fixed: boolean;
}

/**
 * The only place in the cluster where a configuration is: the bot token is in it. The extra variables are there too, since
 * the documented use of them is to hand over credentials, and a pod's specification is read by more people than Secrets are.
 */
export function configObject(m: Manifest, order: ConfigOrder): Secret | ConfigMap {
  const texts = configTexts(m, order.config);
  const metadata = {
    name: order.name,
    namespace: m.options.namespace,
    labels: order.labels,
    ...(Object.keys(order.annotations).length === 0 ? {} : { annotations: order.annotations }),
    ownerReferences: [order.owner],
  };
  const fixed = order.fixed ? { immutable: true } : {};
  return m.configIn === "secret"
    ? { apiVersion: SECRETS.apiVersion, kind: SECRETS.kind, metadata, type: "Opaque", ...fixed, stringData: texts }
    : { apiVersion: CONFIG_MAPS.apiVersion, kind: CONFIG_MAPS.kind, metadata, ...fixed, data: texts };
}

/**
 * What a pod reads its configuration from, by key. In the mode `native` each of the texts becomes a variable, otherwise all but
 * the configuration.
 * @throws CodedError PodUnworkable where one is too long for that: no container with it could be started
 */
export function configTexts(m: Manifest, config: JsonObject): Readonly<Record<string, string>> {
  const { secretsMode, secrets, pods } = m.options;
  const isNative = secretsMode === "native";
  const text = jsonForYaml(isNative ? nativeConfig(config, secrets) : config);
  const variables = isNative ? { ...pods.extraEnvironment, [CONFIG_KEY]: text } : pods.extraEnvironment;
  for (const [name, value] of Object.entries(variables)) {
    const bytes = new TextEncoder().encode(`${name}=${value}`).length;
    if (bytes <= MAX_VARIABLE_BYTES) continue;
    const isConfig = name === CONFIG_KEY;
    const what = isConfig ? "the configuration" : `the extra variable ${name}`;
    throw new CodedError(
      KUBERNETES_EXECUTOR_ERRORS.PodUnworkable,
      `Cannot hand ${what} over in a variable: it would have ${bytes} bytes, and ${MAX_VARIABLE_BYTES} fit`,
      {
        advice: isConfig
          ? "Use SECRETS_MODE=wrapper with {config} in the ingestion command, which stands for a file, or make the configuration smaller"
          : "Make the value smaller, or bring it into the pods in a file of a volume",
      },
    );
  }
  return { ...pods.extraEnvironment, [CONFIG_KEY]: text };
}
