import { onTestFinished } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import { type KubernetesApiOptions, type KubernetesClient, openKubernetesApi } from "../../src/kubernetes/client.ts";
import type { ClusterAccess, Credentials } from "../../src/kubernetes/cluster-access.ts";

/** Access with a fixed token. */
export function accessTo(server: string, credentials?: Credentials): ClusterAccess {
  const fixed = { headers: { authorization: "Bearer the-token" }, tls: {} };
  return {
    server,
    source: "a test",
    inCluster: false,
    insecure: false,
    credentials: credentials ?? { current: async () => fixed, refused: () => undefined },
  };
}

/** A client that ends with the test. */
export function openClient(
  server: string | ClusterAccess,
  options: Partial<Omit<KubernetesApiOptions, "config">> = {},
): KubernetesClient {
  const config = typeof server === "string" ? accessTo(server) : server;
  const api = openKubernetesApi({
    config,
    clock: systemClock,
    log: silentLog,
    userAgent: "hybrid-runner/test",
    ...options,
  });
  onTestFinished(() => api.close());
  return api;
}
