import { jsonForYaml } from "../../../base/exact-json.ts";
import { CONFIG_MAPS, type ConfigMap, type OwnerReference, SECRETS, type Secret } from "../../../kubernetes/objects.ts";
import type { JsonObject } from "../../../protocol/messages.ts";
import { CONFIG_KEY } from "../wrapper-place.ts";
import type { Manifest } from "./materials.ts";
import { nativeConfig } from "./native-mode.ts";

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
  const { secretsMode, secrets, pods, namespace } = m.options;
  const config = secretsMode === "native" ? nativeConfig(order.config, secrets) : order.config;
  const texts = { ...pods.extraEnvironment, [CONFIG_KEY]: jsonForYaml(config) };
  const metadata = {
    name: order.name,
    namespace,
    labels: order.labels,
    ...(Object.keys(order.annotations).length === 0 ? {} : { annotations: order.annotations }),
    ownerReferences: [order.owner],
  };
  const fixed = order.fixed ? { immutable: true } : {};
  return m.configIn === "secret"
    ? { apiVersion: SECRETS.apiVersion, kind: SECRETS.kind, metadata, type: "Opaque", ...fixed, stringData: texts }
    : { apiVersion: CONFIG_MAPS.apiVersion, kind: CONFIG_MAPS.kind, metadata, ...fixed, data: texts };
}
