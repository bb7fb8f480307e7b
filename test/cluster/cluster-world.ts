import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { createKubernetesExecutor } from "../../src/executor/jobs/kubernetes-executor.ts";
import type { KubernetesExecutorOptions } from "../../src/executor/pods/options.ts";
import type { KubernetesApi } from "../../src/kubernetes/api.ts";
import { openKubernetesApi } from "../../src/kubernetes/client.ts";
import { loadKubeConfig } from "../../src/kubernetes/kube-config.ts";
import type { ExecutorWorld } from "../executor/executor.contract.ts";
import { PLAIN_PODS } from "../executor/jobs/manifests/samples.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";
import { PROGRAM_COMMAND, programImage } from "./program-image.ts";
import { wrapperImage } from "./wrapper-image.ts";

const GRACE_MS = 1000;

/** A client of the cluster under test. */
export async function clusterApi(): Promise<KubernetesApi> {
  const config = await loadKubeConfig({
    env: process.env as Record<string, string>,
    home: homedir(),
    clock: systemClock,
  });
  return openKubernetesApi({ config, clock: systemClock, log: silentLog, userAgent: "hybrid-runner-test" });
}

/** Options of an executor in a namespace, whose pods run test/executor/program.mjs and see `directory`. */
export async function clusterOptions(
  api: KubernetesApi,
  namespace: string,
  directory: string,
  changes: Partial<KubernetesExecutorOptions> = {},
): Promise<KubernetesExecutorOptions> {
  return {
    api,
    namespace,
    runnerId: "test-runner",
    dataDirectory: join(directory, ".data"),
    pods: {
      ...PLAIN_PODS,
      image: await programImage(),
      automountServiceAccountToken: false,
      command: { pipeline: PROGRAM_COMMAND, automation: PROGRAM_COMMAND, application: PROGRAM_COMMAND },
      podSpec: { volumes: [{ name: "world", hostPath: { path: directory } }] } as never,
      container: { volumeMounts: [{ name: "world", mountPath: directory }] },
      runAsUser: 10_001,
    },
    secretsMode: "wrapper",
    secrets: { provider: "env", prefix: "NO_SECRETS_HERE_" },
    wrapperImage: await wrapperImage(),
    wrapperDelivery: "initContainer",
    graceMs: GRACE_MS,
    ttlSecondsAfterFinished: 3600,
    startTimeoutMs: 60_000,
    keepReleased: 10,
    keepReleasedDays: 1,
    clock: systemClock,
    log: silentLog,
    ...changes,
  };
}

/** The Kubernetes executor on the cluster that KUBECONFIG names, in a namespace of its own. */
export async function createClusterWorld(): Promise<ExecutorWorld> {
  const namespace = await temporaryNamespace("world");
  const directory = await mkdtemp(join(tmpdir(), "cluster-world-"));
  await chmod(directory, 0o777);
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const opened: KubernetesApi[] = [];
  onTestFinished(async () => {
    for (const api of opened) await api.close();
  });
  return {
    directory,
    async open(): Promise<Executor> {
      const api = await clusterApi();
      opened.push(api);
      return createKubernetesExecutor(await clusterOptions(api, namespace, directory));
    },
    async lives(runId) {
      const selector = `hybrid-runner/run-id=${runId}`;
      const pods = JSON.parse(await kubectl("-n", namespace, "get", "pods", "-l", selector, "-o", "json")) as {
        items: { status: { phase: string } }[];
      };
      return pods.items.some(({ status }) => status.phase === "Running" || status.phase === "Pending");
    },
    touch: (name) => writeFile(join(directory, name), ""),
    read: (name) => readFile(join(directory, name), "utf8"),
  };
}
