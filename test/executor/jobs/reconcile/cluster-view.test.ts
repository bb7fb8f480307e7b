import { expect, test } from "vitest";
import { ClusterView } from "../../../../src/executor/jobs/reconcile/cluster-view.ts";
import { LABELS } from "../../../../src/executor/pods/labels.ts";
import type { Job, KubernetesObject, Pod } from "../../../../src/kubernetes/objects.ts";
import type { Change, Watched } from "../../../../src/kubernetes/watched.ts";

/** A watch that tells what it is told to. */
function told<T extends KubernetesObject>(): Watched<T> & { readonly tell: (change: Change<T>) => void } {
  const listeners = new Set<(change: Change<T>) => void>();
  return {
    ready: () => Promise.resolve(),
    get: () => undefined,
    all: () => [],
    size: 0,
    silentMs: () => 0,
    trouble: () => undefined,
    close: () => Promise.resolve(),
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    tell: (change) => {
      for (const listener of listeners) listener(change);
    },
  };
}

const SECOND = "2026-11-29T09:00:00Z";
const SPEC = { template: { spec: { containers: [] } } };
const JOB: Job = {
  apiVersion: "batch/v1",
  kind: "Job",
  metadata: { name: "hr-r", uid: "j", labels: { [LABELS.runId]: "r", [LABELS.attempt]: "1" } },
  spec: SPEC,
};

function pod(name: string): Pod {
  const labels = { [LABELS.jobName]: "hr-r", [LABELS.runId]: "r" };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, uid: name, creationTimestamp: SECOND, labels },
    spec: { containers: [] },
  };
}

test("a pod that is told as gone late doesn't come after the one that took its place in the same second", () => {
  const [jobs, pods] = [told<Job>(), told<Pod>()];
  const view = new ClusterView({ jobs, pods, now: () => 0, onChange: () => undefined });
  jobs.tell({ type: "set", object: JOB });
  pods.tell({ type: "set", object: pod("hr-r-first") });
  pods.tell({ type: "set", object: pod("hr-r-then") });
  pods.tell({ type: "gone", object: pod("hr-r-first") });
  const seen = view.attempts("r")[0]?.pods.map(({ pod: { metadata }, goneAt }) => [metadata.name, goneAt]);
  expect(seen).toEqual([
    ["hr-r-first", 0],
    ["hr-r-then", undefined],
  ]);
});
