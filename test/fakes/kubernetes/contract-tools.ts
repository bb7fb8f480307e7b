import { expect, onTestFinished } from "vitest";
import type { KubernetesApi } from "../../../src/kubernetes/api.ts";
import {
  type Container,
  EVENTS,
  JOBS,
  type Job,
  type JobSpec,
  type KubernetesEvent,
  PODS,
  type Pod,
  type PodSpec,
} from "../../../src/kubernetes/objects.ts";
import { eventually } from "../eventually.ts";

/** A cluster under test: a client, a namespace of this test's own, and what differs between a fake and a real one. */
export interface ClusterUnderTest {
  readonly api: KubernetesApi;
  readonly namespace: string;
  /** An image with a shell. */
  readonly image: string;
  /** Makes a CronJob fire; absent where one has to wait for the minute. */
  fire?(name: string): void;
}

/** A real cluster starts and ends things in seconds. */
export const LIMIT_MS = 60_000;

/** A Job with one container that runs a shell script. */
export function shellJob(
  cluster: ClusterUnderTest,
  name: string,
  script: string,
  changes: {
    readonly spec?: Partial<JobSpec>;
    readonly pod?: Partial<PodSpec>;
    readonly main?: Partial<Container>;
  } = {},
): Job {
  const main: Container = { name: "main", image: cluster.image, command: ["sh", "-c", script], ...changes.main };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace: cluster.namespace, labels: { topic: "fake", name } },
    spec: {
      backoffLimit: 0,
      podReplacementPolicy: "Failed",
      ...changes.spec,
      template: {
        metadata: { labels: { topic: "fake" }, annotations: { "example.org/note": "a note" } },
        spec: { restartPolicy: "Never", terminationGracePeriodSeconds: 1, containers: [main], ...changes.pod },
      },
    },
  };
}

/** Creates a Job, and deletes it when the test ends. */
export async function createJob({ api, namespace }: ClusterUnderTest, job: Job): Promise<Job> {
  const { name } = job.metadata;
  onTestFinished(async () => {
    await api.remove(JOBS, namespace, name, { propagation: "Background" }).catch(() => false);
  });
  return api.create(JOBS, namespace, job);
}

/** The pods of a Job. */
export async function podsOf({ api, namespace }: ClusterUnderTest, job: string): Promise<readonly Pod[]> {
  return (await api.list(PODS, namespace, { labelSelector: `batch.kubernetes.io/job-name=${job}` })).items;
}

/** The only pod of a Job, as soon as the check holds. */
export function podWhere(cluster: ClusterUnderTest, job: string, check: (pod: Pod) => void): Promise<Pod> {
  return eventually(async () => {
    const [pod] = await podsOf(cluster, job);
    if (pod === undefined) throw new Error(`Job ${job} has no pod`);
    check(pod);
    return pod;
  }, LIMIT_MS);
}

/** The pod once its main container runs. */
export function runningPod(cluster: ClusterUnderTest, job: string): Promise<Pod> {
  return podWhere(cluster, job, (pod) => expect(pod.status?.containerStatuses?.[0]?.state?.running).toBeDefined());
}

/** The Job once it has a final condition; its types in order. */
export async function endedJob(
  { api, namespace }: ClusterUnderTest,
  name: string,
): Promise<readonly [Job, readonly string[]]> {
  const job = await eventually(async () => {
    const found = await api.get(JOBS, namespace, name);
    const types = found.status?.conditions?.map(({ type }) => type) ?? [];
    expect(types.some((type) => type === "Complete" || type === "Failed")).toBe(true);
    return found;
  }, LIMIT_MS);
  return [job, job.status?.conditions?.map(({ type }) => type) ?? []];
}

/** Events about an object, as `type reason`. */
export async function reasonsAbout({ api, namespace }: ClusterUnderTest, name: string): Promise<readonly string[]> {
  const { items } = await api.list(EVENTS, namespace, { fieldSelector: `involvedObject.name=${name}` });
  return items.map(({ reason, type }: KubernetesEvent) => `${type} ${reason}`);
}

/** A container's log to its end. */
export async function logOf(
  { api, namespace }: ClusterUnderTest,
  pod: string,
  options: Partial<Parameters<KubernetesApi["podLog"]>[2]> = {},
): Promise<string> {
  const chunks: Uint8Array[] = [];
  const whole = { container: "main", follow: false, timestamps: false, ...options };
  for await (const chunk of api.podLog(namespace, pod, whole, AbortSignal.timeout(LIMIT_MS))) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** Code of the error that a call fails with, and its message. */
export async function refusal(call: Promise<unknown>): Promise<{ readonly code: unknown; readonly message: string }> {
  try {
    await call;
  } catch (error) {
    return { code: (error as { code?: unknown }).code, message: (error as Error).message };
  }
  throw new Error("the call was not refused");
}
