import { spawn } from "node:child_process";
import https from "node:https";
import { homedir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../src/base/clock.ts";
import { errorCode } from "../../../src/base/errors.ts";
import { silentLog } from "../../../src/base/log.ts";
import { type KubernetesClient, openKubernetesApi } from "../../../src/kubernetes/client.ts";
import type { Identity } from "../../../src/kubernetes/cluster-access.ts";
import { loadKubeConfig } from "../../../src/kubernetes/kube-config.ts";
import { type KubernetesObject, NAMESPACES, type Resource } from "../../../src/kubernetes/objects.ts";
import { watchObjects } from "../../../src/kubernetes/reflector.ts";
import type { Watched } from "../../../src/kubernetes/watched.ts";
import { until } from "../processes.ts";
import type { RawTarget } from "./raw-posts.ts";

/** Everything of a big namespace, ten thousand pods with it, goes in this time. */
const REMOVAL_MS = 900_000;
const ACCOUNT_MS = 30_000;

const SERVICE_ACCOUNTS: Resource<KubernetesObject> = {
  apiVersion: "v1",
  kind: "ServiceAccount",
  plural: "serviceaccounts",
  namespaced: true,
};
const NODES: Resource<KubernetesObject> = { apiVersion: "v1", kind: "Node", plural: "nodes", namespaced: false };

/** Namespaces that are there still, for a bench that is ended early. */
const leftovers = new Set<string>();
process.once("exit", () => {
  if (leftovers.size === 0) return;
  const args = [join(import.meta.dirname, "remove-namespaces.ts"), ...leftovers];
  spawn(process.execPath, args, { detached: true, stdio: "ignore" }).unref();
});

/** Why the cluster measurements can't be made here; undefined when they can. */
export function clusterMissing(env: NodeJS.ProcessEnv): string | undefined {
  if ((env["KUBECONFIG"] ?? "") !== "") return undefined;
  return "Cannot measure on a cluster: KUBECONFIG is not set. Set it to the kubeconfig of a cluster in which namespaces may be made";
}

/** What the figures depend on beside the machine; one line each. */
export async function clusterLines(): Promise<readonly string[]> {
  const cluster = await Cluster.open();
  try {
    const { text } = await cluster.api.version();
    const { items } = await cluster.api.list(NODES, "");
    const fake = items.filter(({ metadata }) => metadata.labels?.["type"] === "fake").length;
    return [`cluster: Kubernetes ${text} with ${items.length - fake} nodes and ${fake} without containers`];
  } finally {
    await cluster.close();
  }
}

/** The cluster that KUBECONFIG names, as the bench itself uses it. */
export class Cluster {
  readonly server: string;
  readonly api: KubernetesClient;
  readonly #identity: Identity;

  private constructor(server: string, identity: Identity, api: KubernetesClient) {
    this.server = server;
    this.#identity = identity;
    this.api = api;
  }

  static async open(): Promise<Cluster> {
    const env = Object.fromEntries(Object.entries(process.env).map(([name, value]) => [name, value ?? ""]));
    const config = await loadKubeConfig({ env, home: homedir(), clock: systemClock });
    const api = openKubernetesApi({ config, clock: systemClock, log: silentLog, userAgent: "hybrid-runner-bench" });
    return new Cluster(config.server, await config.credentials.current(), api);
  }

  /** For requests that the bench makes by itself: where to, with which headers, on connections that are kept. */
  direct(): Omit<RawTarget, "namespace"> {
    const { caCertificates, certificate, key, serverName, insecure } = this.#identity.tls;
    const agent = new https.Agent({
      keepAlive: true,
      rejectUnauthorized: insecure !== true,
      ...(caCertificates === undefined ? {} : { ca: [...caCertificates] }),
      ...(certificate === undefined ? {} : { cert: certificate }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    const headers = Object.entries(this.#identity.headers).map(([name, value]) => [
      name,
      typeof value === "string" ? value : [...value],
    ]);
    return { server: this.server, agent, headers: Object.fromEntries(headers) };
  }

  /** A namespace of the bench's own, ready for pods. */
  async makeNamespace(topic: string): Promise<string> {
    const name = `hr-bench-${topic}-${crypto.randomUUID().slice(0, 8)}`;
    leftovers.add(name);
    await this.api.create(NAMESPACES, "", { apiVersion: "v1", kind: "Namespace", metadata: { name } });
    const found = (error: unknown): undefined => {
      if (errorCode(error) !== "ApiNotFound") throw error;
    };
    await until("a service account", () => this.api.get(SERVICE_ACCOUNTS, name, "default").catch(found), ACCOUNT_MS);
    return name;
  }

  /** Has a namespace removed, and doesn't wait for it. */
  async askToRemove(name: string): Promise<void> {
    await this.api.remove(NAMESPACES, "", name, { propagation: "Background" });
    leftovers.delete(name);
  }

  /** Removes a namespace and waits until nothing of it is left, so that its removal doesn't disturb the next measurement. */
  async removeNamespace(name: string): Promise<void> {
    await this.askToRemove(name);
    const since = performance.now();
    while (performance.now() - since < REMOVAL_MS) {
      const isGone = await this.api.get(NAMESPACES, "", name).then(
        () => false,
        (error: unknown) => errorCode(error) === "ApiNotFound",
      );
      if (isGone) return;
      await sleep(500);
    }
    throw new Error(`Cannot measure: namespace ${name} is still there ${REMOVAL_MS} ms after its removal`);
  }

  /** Objects of a namespace as the bench sees them; ready when the first list is in. */
  async watch<T extends KubernetesObject>(
    resource: Resource<T>,
    namespace: string,
    slim?: (object: T) => T,
  ): Promise<Watched<T>> {
    const options = { clock: systemClock, log: silentLog, ...(slim === undefined ? {} : { slim }) };
    const watched = watchObjects(this.api, resource, namespace, options);
    await watched.ready(AbortSignal.timeout(ACCOUNT_MS));
    return watched;
  }

  close(): Promise<void> {
    return this.api.close();
  }
}
