import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import { PODS } from "../kubernetes/objects.ts";

/** What the documented chart calls the runner's container (facts: collate-hybrid-runner §1.6). */
const DOCUMENTED_CONTAINER = "hybrid-ingestion-runner";

/**
 * The image this very program runs from, when it runs in a pod: the wrapper's too, where no setting names one. A pod has its
 * name as host name. Undefined where it can't be found out.
 */
export async function ownImage(
  api: KubernetesApi,
  namespace: string | undefined,
  host: string,
  log: Log,
): Promise<string | undefined> {
  if (namespace === undefined) return undefined;
  try {
    const { containers } = (await api.get(PODS, namespace, host)).spec;
    return (containers.find(({ name }) => name === DOCUMENTED_CONTAINER) ?? containers[0])?.image;
  } catch (error) {
    log.debug("The image of this pod is not known", { error: describeError(error) });
    return undefined;
  }
}
