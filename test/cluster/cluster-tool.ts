import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

/** The program that makes images from folders and puts them on the test cluster's node: see docs/testing-on-a-cluster.md. */
export const CLUSTER_TOOL: string =
  process.env["HYBRID_RUNNER_CLUSTER_TOOL"] ?? join(import.meta.dirname, "../../../shared/cluster/cluster");

const LIMIT_MS = 300_000;

/** Runs the cluster tool. Answers what it printed. @throws Error when it fails */
export async function clusterTool(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(CLUSTER_TOOL, [...args], { timeout: LIMIT_MS, maxBuffer: 16 << 20 });
  return stdout;
}

/** Runs kubectl against the cluster under test. Answers what it printed. @throws Error when it fails */
export async function kubectl(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("kubectl", [...args], { timeout: LIMIT_MS, maxBuffer: 64 << 20 });
  return stdout;
}

/** Feeds a manifest to `kubectl apply`. */
export async function apply(manifest: unknown, namespace?: string): Promise<void> {
  const child = promisify(execFile)(
    "kubectl",
    [...(namespace === undefined ? [] : ["-n", namespace]), "apply", "-f", "-"],
    { timeout: LIMIT_MS },
  );
  child.child.stdin?.end(JSON.stringify(manifest));
  await child;
}
