import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { type KubernetesClient, openKubernetesApi } from "../../../src/kubernetes/client.ts";
import { loadKubeConfig } from "../../../src/kubernetes/kube-config.ts";
import { temporaryDirectory } from "../temporary-directory.ts";
import type { ClusterUnderTest } from "./contract-tools.ts";
import { type FakeCluster, type FakeClusterOptions, startFakeCluster } from "./fake-cluster.ts";

/** The real client, with the fake cluster's kubeconfig from a file; closed when the test ends. */
export async function openFakeClient(cluster: FakeCluster): Promise<KubernetesClient> {
  const directory = await temporaryDirectory();
  const path = join(directory, "kubeconfig");
  await writeFile(path, cluster.kubeconfig);
  const config = await loadKubeConfig({ env: { KUBECONFIG: path }, home: directory, clock: systemClock });
  const api = openKubernetesApi({ config, clock: systemClock, log: silentLog, userAgent: "hybrid-runner/test" });
  onTestFinished(() => api.close());
  return api;
}

/** A fake cluster and a client of it. */
export interface FakeUnderTest extends ClusterUnderTest {
  readonly api: KubernetesClient;
  readonly cluster: FakeCluster;
}

/** Starts a fake cluster; it ends with the test. */
export async function openFake(options: FakeClusterOptions = {}): Promise<FakeUnderTest> {
  const cluster = await startFakeCluster(options);
  onTestFinished(() => cluster.close());
  const fire = (name: string): void => void cluster.fireCronJob(name);
  return { cluster, api: await openFakeClient(cluster), namespace: "ingestion", image: "test.local/busybox:1", fire };
}
