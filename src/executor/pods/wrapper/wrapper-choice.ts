import type { KubernetesExecutorOptions } from "../options.ts";

/** From this version on, image volumes are there unless somebody switched them off, and no container runtime is left that can't do them. */
const IMAGE_VOLUMES_SINCE = 36;

/** How the wrapper gets into pods of this cluster. */
export async function decideDelivery(
  options: Pick<KubernetesExecutorOptions, "api" | "secretsMode" | "wrapperDelivery">,
): Promise<"imageVolume" | "initContainer"> {
  const { api, secretsMode, wrapperDelivery } = options;
  if (wrapperDelivery !== "auto") return wrapperDelivery;
  if (secretsMode === "native") return "initContainer";
  const { major, minor } = await api.version();
  return major > 1 || minor >= IMAGE_VOLUMES_SINCE ? "imageVolume" : "initContainer";
}
