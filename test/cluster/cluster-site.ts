import { onTestFinished } from "vitest";
import type { Site } from "../road/site.ts";
import { kubectl } from "./cluster-tool.ts";

/** What a runner of the tests is told beside the site's own settings: pods of busybox that run a shell script, in native mode. */
export function shellPods(namespace: string, script: string): Readonly<Record<string, string>> {
  return {
    EXECUTOR_TYPE: "simpleK8s",
    KUBECONFIG: process.env["KUBECONFIG"] ?? "",
    INGESTION_NAMESPACE: namespace,
    INGESTION_IMAGE: "test.local/busybox:1",
    INGESTION_COMMAND: JSON.stringify(["sh", "-c", script]),
    INGESTION_EXTRA_ENVS: "",
    SECRETS_MODE: "native",
    SECRETS_MANAGER: "kubernetes",
    SECRETS_DIRECTORY: "",
    STOP_GRACE_SECONDS: "1",
  };
}

/** Objects of one kind in a namespace. */
export async function objects<T = ClusterObject>(namespace: string, kind: string): Promise<readonly T[]> {
  const list = JSON.parse(await kubectl("-n", namespace, "get", kind, "-o", "json")) as { items: readonly T[] };
  return list.items;
}

/** What the tests read of any object. */
export interface ClusterObject {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly creationTimestamp: string;
  };
  readonly status?: { readonly phase?: string };
}

/** Deletes CronJobs when the test ends, so that nothing fires in a namespace that is being removed. */
export function stopSchedulesAfter(namespace: string): void {
  onTestFinished(async () => {
    await kubectl("-n", namespace, "delete", "cronjobs", "--all", "--wait=false");
  });
}

/** Registers `count` pipelines and deploys them. Answers their ids. */
export async function deployMany(
  site: Site,
  count: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<readonly string[]> {
  const pipelines: string[] = [];
  for (let next = 0; next < count; next += 8) {
    const batch = Array.from({ length: Math.min(8, count - next) }, () => site.deploy("metadata", { more }));
    pipelines.push(...(await Promise.all(batch)));
  }
  return pipelines;
}

/** Registers `count` pipelines and starts a run of each at once. Answers the runs' ids. */
export async function startMany(
  site: Site,
  count: number,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string[]> {
  return startAll(site, await deployMany(site, count, more));
}

/** Orders a run of each pipeline at once. Answers the runs' ids. */
export function startAll(site: Site, pipelines: readonly string[]): Promise<string[]> {
  return Promise.all(pipelines.map((pipelineId) => site.start(pipelineId)));
}
