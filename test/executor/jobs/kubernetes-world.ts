import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import type { Executor } from "../../../src/executor/executor.ts";
import { createKubernetesExecutor } from "../../../src/executor/jobs/kubernetes-executor.ts";
import { LABELS } from "../../../src/executor/pods/labels.ts";
import type { KubernetesExecutorOptions, PodSettings } from "../../../src/executor/pods/options.ts";
import {
  INSTALL_COMMAND,
  WRAPPER_MOUNT_PATH,
  wrapperCommand,
} from "../../../src/executor/pods/wrapper/wrapper-place.ts";
import type { KubernetesApi } from "../../../src/kubernetes/api.ts";
import { openKubernetesApi } from "../../../src/kubernetes/client.ts";
import type { ApiLimits } from "../../../src/kubernetes/exchange.ts";
import { loadKubeConfig } from "../../../src/kubernetes/kube-config.ts";
import { PODS, type Pod } from "../../../src/kubernetes/objects.ts";
import { type FakeCluster, type FakeClusterOptions, startFakeCluster } from "../../fakes/kubernetes/fake-cluster.ts";
import type { ExecutorWorld } from "../executor.contract.ts";
import { PLAIN_PODS } from "./manifests/samples.ts";

/** Namespace of the runs. */
export const NAMESPACE = "ingestion";
const IMAGE = "test.local/ingestion:1";
const ROOT = join(import.meta.dirname, "../../..");

/** A fake cluster with executors on it. */
export interface KubernetesWorld extends ExecutorWorld {
  readonly cluster: FakeCluster;
  /** Opens an executor; what is given replaces the options it would have, and the bounds of its client. */
  open(changes?: Partial<KubernetesExecutorOptions>, limits?: Partial<ApiLimits>): Promise<Executor>;
  /** A client of the cluster, as an administrator has one. */
  client(limits?: Partial<ApiLimits>): Promise<KubernetesApi>;
  /** Pods of a run that are there. */
  pods(runId: string): readonly Pod[];
}

/** Pods that run test/executor/program.mjs. */
export function podSettings(changes: Partial<PodSettings> = {}): PodSettings {
  const command = ["ingestion"];
  const { runAsUser: _, ...plain } = PLAIN_PODS;
  return {
    ...plain,
    image: IMAGE,
    automountServiceAccountToken: false,
    command: { pipeline: command, automation: command, application: command },
    ...changes,
  };
}

/** Starts a fake cluster whose ingestion image holds program.mjs and whose runner image holds the wrapper's source. */
export async function createKubernetesWorld(options: FakeClusterOptions = {}): Promise<KubernetesWorld> {
  const directory = await mkdtemp(join(tmpdir(), "kubernetes-world-"));
  const wrapper = "test.local/hybrid-runner:1";
  const cluster = await startFakeCluster({
    images: [IMAGE, wrapper],
    programs: [
      { words: INSTALL_COMMAND, run: ["true"] },
      { words: wrapperCommand(WRAPPER_MOUNT_PATH), run: [process.execPath, join(ROOT, "src/main.ts")] },
      { words: ["ingestion"], run: [process.execPath, join(ROOT, "test/executor/program.mjs")] },
    ],
    jobSyncMs: 100,
    ...options,
  });
  onTestFinished(async () => {
    await cluster.close();
    await rm(directory, { recursive: true, force: true });
  });
  const kubeconfig = join(directory, "kubeconfig");
  await writeFile(kubeconfig, cluster.kubeconfig, { mode: 0o600 });
  const pods = (runId: string): readonly Pod[] =>
    cluster.objects(PODS, NAMESPACE).filter(({ metadata }) => metadata.labels?.[LABELS.runId] === runId);
  const client = async (limits: Partial<ApiLimits> = {}): Promise<KubernetesApi> => {
    const config = await loadKubeConfig({ env: { KUBECONFIG: kubeconfig }, home: directory, clock: systemClock });
    const userAgent = "hybrid-runner-test";
    const api = openKubernetesApi({ config, clock: systemClock, log: silentLog, userAgent, limits });
    onTestFinished(() => api.close());
    return api;
  };
  return {
    directory,
    cluster,
    client,
    pods,
    async open(changes = {}, limits = {}) {
      const api = await client(limits);
      const executor = await createKubernetesExecutor({
        api,
        namespace: NAMESPACE,
        runnerId: "test-runner",
        dataDirectory: join(directory, "data"),
        pods: podSettings(),
        secretsMode: "wrapper",
        secrets: { provider: "env", prefix: "NO_SECRETS_HERE_" },
        wrapperImage: wrapper,
        wrapperDelivery: "initContainer",
        graceMs: 1000,
        ttlSecondsAfterFinished: 3600,
        startTimeoutMs: 60_000,
        keepReleased: 10,
        keepReleasedDays: 1,
        clock: systemClock,
        log: silentLog,
        ...changes,
      });
      onTestFinished(() => executor.close());
      return executor;
    },
    async lives(runId) {
      const pids = await Promise.all(pods(runId).map(({ metadata }) => cluster.node.pidsOf(metadata.name)));
      return pids.flat().length > 0;
    },
    touch: (name) => writeFile(join(directory, name), ""),
    read: (name) => readFile(join(directory, name), "utf8"),
  };
}
