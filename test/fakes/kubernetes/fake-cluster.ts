import { type Clock, systemClock } from "../../../src/base/clock.ts";
import type { KubernetesObject, Resource } from "../../../src/kubernetes/objects.ts";
import { openClusterParts } from "./cluster-parts.ts";
import type { Fault } from "./faults.ts";
import type { FakeNode, FakeProgram } from "./node.ts";
import { evictPod, type KindOfEviction, killPod } from "./pod-harm.ts";
import type { Requests } from "./requests.ts";
import type { Right } from "./rights.ts";

/** How a fake cluster is set up. */
export interface FakeClusterOptions {
  /** The real one by default: pods are real processes. */
  readonly clock?: Clock;
  /** `default` and `ingestion` by default. */
  readonly namespaces?: readonly string[];
  /** Images that can be pulled; `test.local/busybox:1` and `test.local/ingestion:1` by default. */
  readonly images?: readonly string[];
  /** Words of a command that stand for others, as an image would hold that program. */
  readonly programs?: readonly FakeProgram[];
  /** Variables that every container has beside its own, as an image's; PATH is this process's. */
  readonly imageEnvironment?: Readonly<Record<string, string>>;
  /** The Job controller acts so long after a change of a pod; the real one waits a second. */
  readonly jobSyncMs?: number;
  /** From one bookmark of a watch to the next; the real server sends one in a minute. */
  readonly bookmarkMs?: number;
  /** How often pods are removed that were deleted before they had a node; the real collector comes every 20 s. */
  readonly podCollectorMs?: number;
  /** A controller that is left out does nothing: Jobs without pods, CronJobs that never fire, pods that stay unscheduled. */
  readonly without?: readonly ("jobs" | "cronJobs" | "node" | "garbageCollector")[];
}

/** A Kubernetes cluster in this process: API server over real HTTP, controllers, and a node that runs containers as local processes. */
export interface FakeCluster {
  /** Address of the API server, `http://127.0.0.1:port`. */
  readonly url: string;
  /** Bearer token of the kubeconfig. */
  readonly token: string;
  /** A kubeconfig's text, namespace `ingestion`. */
  readonly kubeconfig: string;
  /** Images that can be pulled; others fail with ErrImagePull. */
  readonly images: Set<string>;
  readonly node: FakeNode;
  /** What was asked of the API server. */
  readonly requests: Requests;

  /** Every object of a kind, as an administrator sees it; nothing is counted. */
  objects<T extends KubernetesObject>(resource: Resource<T>, namespace?: string): readonly T[];
  /** Creates an object, or replaces the one of this name, as an administrator; `status` too. */
  put<T extends KubernetesObject>(object: T): T;
  /** Deletes an object as an administrator does with kubectl (in the background; pods with their grace). */
  remove(resource: Resource<KubernetesObject>, name: string, gracePeriodSeconds?: number): void;

  /** Which rights a token has from now on; everything until this is first called for it. The kubeconfig's when no token is given. */
  allow(rights: readonly Right[] | "everything", token?: string): void;
  /** The API server does this to requests that match; the answer takes the fault back. */
  fault(fault: Fault): () => void;
  /** What happened until now can't be watched any more: older resource versions and continue tokens get 410. */
  compact(): void;

  /** Makes a CronJob fire now, as at its time. Answers the Job's name, or undefined where it would not fire (suspended, Forbid). */
  fireCronJob(name: string, namespace?: string): string | undefined;
  /** Kills the processes of a pod's container from outside: as the kernel for its memory limit, or by a plain KILL. */
  killPod(name: string, reason: "OOMKilled" | "KILL", container?: string): Promise<void>;
  /** Ends a pod the way clusters do it. */
  evictPod(name: string, kind: KindOfEviction): void;

  /** Cuts every connection. */
  resetConnections(): void;
  /** The API server is gone, connections with it; the node's processes go on. */
  stopServing(): Promise<void>;
  /** It is there again, on the same port. */
  serveAgain(): Promise<void>;
  /** Ends the cluster with every process and file of it. */
  close(): Promise<void>;
}

/** Starts a cluster; whoever starts one closes it (`onTestFinished(() => cluster.close())`). */
export async function startFakeCluster(options: FakeClusterOptions = {}): Promise<FakeCluster> {
  const parts = await openClusterParts({ ...options, clock: options.clock ?? systemClock });
  const { access, cronJobs, faults, files, kubelet, requests, server, store } = parts;
  const pod = (name: string): ReturnType<typeof files.findPod> => files.findPod(name);
  return {
    url: server.url,
    token: access.defaultToken,
    kubeconfig: kubeconfigText(server.url, access.defaultToken),
    images: kubelet.images,
    node: kubelet,
    requests,
    objects: (resource, namespace) => store.all(resource.plural, namespace),
    put: (object) => files.put(object),
    remove: (resource, name, grace) => files.remove(resource.plural, name, grace),
    allow: (rights, token) => access.allow(rights, token),
    fault: (fault) => faults.add(fault),
    compact: () => store.compact(),
    fireCronJob: (name, namespace) => cronJobs.fire(name, namespace),
    killPod: (name, reason, container) => killPod(kubelet, pod(name), reason, container),
    evictPod: (name, kind) => evictPod(store, kubelet, options.clock ?? systemClock, pod(name), kind),
    resetConnections: () => server.resetConnections(),
    stopServing: () => server.stop(),
    serveAgain: () => server.start(),
    close: () => parts.close(),
  };
}

function kubeconfigText(server: string, token: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "fake",
    clusters: [{ name: "fake", cluster: { server } }],
    users: [{ name: "runner", user: { token } }],
    contexts: [{ name: "fake", context: { cluster: "fake", user: "runner", namespace: "ingestion" } }],
  });
}
