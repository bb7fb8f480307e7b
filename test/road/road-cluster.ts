import { join } from "node:path";
import { onTestFinished } from "vitest";
import { INSTALL_COMMAND, WRAPPER_MOUNT_PATH, wrapperCommand } from "../../src/executor/pods/wrapper/wrapper-place.ts";
import { type FakeCluster, type FakeClusterOptions, startFakeCluster } from "../fakes/kubernetes/fake-cluster.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");

/** A fake cluster in whose pods the wrapper is this source, and the ingestion program says which pipeline type it ran; closed with the test. */
export async function startRoadCluster(
  options: Pick<FakeClusterOptions, "namespaces" | "images">,
): Promise<FakeCluster> {
  const cluster = await startFakeCluster({
    ...options,
    programs: [
      { words: INSTALL_COMMAND, run: ["true"] },
      { words: wrapperCommand(WRAPPER_MOUNT_PATH), run: [process.execPath, MAIN] },
      { words: ["python", "main.py"], run: ["/bin/sh", "-c", 'echo "ingested $pipelineType"'] },
    ],
    jobSyncMs: 100,
  });
  onTestFinished(() => cluster.close());
  return cluster;
}
