import type { Executor } from "../executor.ts";
import { IngestionImages } from "../pods/images/ingestion-images.ts";
import { openPodLogs } from "../pods/logs/pod-logs.ts";
import type { KubernetesExecutorOptions } from "../pods/options.ts";
import { KeptRights } from "../pods/rights/kept-rights.ts";
import { unreadableLogs } from "../pods/rights/unreadable-logs.ts";
import { decideDelivery } from "../pods/wrapper/wrapper-choice.ts";
import { ClusterSide } from "./cluster-side.ts";
import { openDeployments } from "./deployments/deployments.ts";
import { KubernetesExecutor } from "./executor-life.ts";
import type { Manifest } from "./manifests/manifest.ts";

/**
 * Opens the Kubernetes executor: asks for its rights, begins to watch, and writes nothing. `list()` waits for the first lists.
 * @throws CodedError RightsUnknown, or of src/kubernetes/errors.ts, when the API server can't be asked
 */
export async function createKubernetesExecutor(options: KubernetesExecutorOptions): Promise<Executor> {
  const rights = await KeptRights.open(options);
  try {
    const delivery = await decideDelivery(options);
    const images = new IngestionImages(options);
    const manifest: Manifest = { options, configIn: rights.configIn, delivery, images };
    const deployments = await openDeployments(options, rights, manifest);
    const logs = rights.readsLogs ? await openPodLogs(options) : unreadableLogs(rights);
    return new KubernetesExecutor({
      options,
      rights,
      manifest,
      deployments,
      logs,
      side: new ClusterSide(options, rights),
    });
  } catch (error) {
    await rights.close();
    throw error;
  }
}
