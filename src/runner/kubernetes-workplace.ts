import type { Clock } from "../base/clock.ts";
import { CodedError, describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import { openExecutor } from "../executor/catalogue.ts";
import type { Executor } from "../executor/executor.ts";
import type { KubernetesApi } from "../kubernetes/api.ts";
import { openKubernetesApi } from "../kubernetes/client.ts";
import type { ClusterAccess } from "../kubernetes/cluster-access.ts";
import { loadKubeConfig } from "../kubernetes/kube-config.ts";
import { keepInCluster } from "../pipelines/cluster-pipelines.ts";
import { openPipelineFiles } from "../pipelines/pipeline-files.ts";
import { joinPath } from "../runtime/files.ts";
import { growHeapBy } from "../runtime/heap.ts";
import { environment, place } from "../runtime/system.ts";
import { openScheduleRecords, type ScheduleRecords, scheduleRecordsIn } from "../schedules/schedule-records.ts";
import { VERSION } from "../version.ts";
import { clusterInstallationId } from "./cluster-installation.ts";
import { RUNNER_ERRORS } from "./errors.ts";
import { DEFAULT_WRAPPER_IMAGE, kubernetesSettings } from "./kubernetes-settings.ts";
import { ownImage } from "./own-image.ts";
import type { RunnerSettings, Workplace, WorkplaceHooks } from "./workplace.ts";

/** Watches make and throw away much text while the memory of thousands of live runs stays: see docs/performance.md. */
const HEAP_GROWTH_PERCENT = 30;

/**
 * The workplace of the Kubernetes executor: in a pod of the cluster, or outside of it with a kubeconfig.
 * @throws CodedError NamespaceUnknown, and those of src/kubernetes/errors.ts
 */
export async function openKubernetesWorkplace(
  settings: RunnerSettings,
  hooks: WorkplaceHooks,
  clock: Clock,
  log: Log,
): Promise<Workplace> {
  growHeapBy(HEAP_GROWTH_PERCENT);
  const { kubeContext } = settings;
  const config = await loadKubeConfig({
    env: environment(),
    home: place().home,
    clock,
    ...(kubeContext === undefined ? {} : { context: kubeContext }),
  });
  const chosen = kubernetesSettings(settings);
  const namespace = chosen.namespace ?? config.namespace;
  if (namespace === undefined) throw namespaceUnknown(config.source);
  const api = openKubernetesApi({ config, clock, log, userAgent: `hybrid-runner/${VERSION}` });
  let executor: Executor | undefined;
  try {
    log.info("Cluster", { server: config.server, source: config.source, namespace });
    const wrapperImage = await wrapperImageOf(settings, config, api, log);
    executor = await openExecutor("simpleK8s", { ...chosen, wrapperImage, namespace, api, ...hooks, clock, log });
    const files = await openPipelineFiles(joinPath(settings.dataDirectory, "pipelines"), log);
    const { deployments } = executor;
    const kept = deployments === undefined ? undefined : keepInCluster({ files, deployments, clock, log });
    const records = await recordsOf(executor, settings, log);
    return {
      executor,
      pipelines: kept ?? files,
      ...(records === undefined ? {} : { schedules: records }),
      installationId: await clusterInstallationId({
        api,
        namespace,
        runnerId: settings.agentId,
        dataDirectory: settings.dataDirectory,
        log,
      }),
      refresh: async (signal) => {
        await kept?.refresh(signal).catch((error: unknown) => {
          log.warn("What the cluster keeps of pipelines can't be brought up to date", { error: describeError(error) });
        });
      },
      close: () => api.close(),
    };
  } catch (error) {
    await executor?.close();
    await api.close();
    throw error;
  }
}

/** The image that the settings name; in a pod else its own. */
async function wrapperImageOf(
  settings: RunnerSettings,
  { inCluster, namespace }: ClusterAccess,
  api: KubernetesApi,
  log: Log,
): Promise<string> {
  if (settings.wrapperImage !== undefined) return settings.wrapperImage;
  const own = inCluster ? await ownImage(api, namespace, place().host, log) : undefined;
  if (own === undefined && settings.secretsMode === "wrapper") {
    log.warn("WRAPPER_IMAGE is not set: nodes find the wrapper's image only if it has been put on them", {
      image: DEFAULT_WRAPPER_IMAGE,
    });
  }
  return own ?? DEFAULT_WRAPPER_IMAGE;
}

/** Nothing when the cluster fires the schedules. */
async function recordsOf(
  { deployments }: Executor,
  settings: RunnerSettings,
  log: Log,
): Promise<ScheduleRecords | undefined> {
  if (deployments?.fires === "cluster") return undefined;
  if (deployments?.records !== undefined) return scheduleRecordsIn(deployments.records, log);
  return openScheduleRecords(joinPath(settings.dataDirectory, "schedules"), log);
}

function namespaceUnknown(source: string): CodedError {
  return new CodedError(
    RUNNER_ERRORS.NamespaceUnknown,
    `Cannot choose a namespace for ingestion pods: INGESTION_NAMESPACE is not set, and ${source} names none`,
  );
}
