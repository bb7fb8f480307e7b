import { onTestFinished } from "vitest";
import { describeApiServer } from "../fakes/kubernetes/api.contract.ts";
import type { ClusterUnderTest } from "../fakes/kubernetes/contract-tools.ts";
import { describeJobs } from "../fakes/kubernetes/jobs.contract.ts";
import { describePods } from "../fakes/kubernetes/pods.contract.ts";
import { clusterApi } from "./cluster-world.ts";
import { temporaryNamespace } from "./namespace.ts";

/* What the fake cluster is held to, asked of a real one. */

async function open(): Promise<ClusterUnderTest> {
  const api = await clusterApi();
  onTestFinished(() => api.close());
  return { api, namespace: await temporaryNamespace("truth"), image: "test.local/busybox:1" };
}

describeApiServer("real cluster", open);
describeJobs("real cluster", open);
describePods("real cluster", open);
