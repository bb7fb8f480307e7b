import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import type { KubernetesApi } from "../../../../src/kubernetes/api.ts";
import { eventually } from "../../../fakes/eventually.ts";
import { FakePodLog } from "./fake-pod-log.ts";
import { endOf, openLogs, readAll } from "./logs-world.ts";

/** Many pods behind one API. */
function crowd(count: number): {
  readonly pods: ReadonlyMap<string, FakePodLog>;
  readonly api: Pick<KubernetesApi, "podLog">;
  readonly open: () => number;
} {
  const pods = new Map(Array.from({ length: count }, (_, index) => [`pod-${index}`, new FakePodLog()]));
  const api: Pick<KubernetesApi, "podLog"> = {
    podLog: (namespace, pod, options, signal) =>
      (pods.get(pod) ?? new FakePodLog()).api.podLog(namespace, pod, options, signal),
  };
  return { pods, api, open: () => [...pods.values()].reduce((sum, pod) => sum + pod.open, 0) };
}

function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}

function place(index: number): {
  runId: string;
  attempt: number;
  podName: string;
  container: string;
  startedAt: number;
} {
  return { runId: `run-${index}`, attempt: 1, podName: `pod-${index}`, container: "main", startedAt: Date.now() };
}

test("of many logs only so many are followed at once, and all of them are read, also those that never fall silent", async () => {
  const { pods, api, open } = crowd(24);
  const logs = await openLogs(api, { streams: 4 });
  let most = 0;
  const talk = setInterval(() => {
    most = Math.max(most, open());
    for (const pod of pods.values()) {
      pod.advance(100);
      pod.print("a line\n");
    }
  }, 100);
  for (let index = 0; index < pods.size; index++) logs.follow(place(index));
  // Each that talks gives its place away after ten seconds.
  await eventually(async () => {
    for (let index = 0; index < 8; index++) expect((await readAll(logs, `run-${index}`)).length).toBeGreaterThan(0);
  });
  clearInterval(talk);
  for (const pod of pods.values()) pod.end();
  const ends = await Promise.all([...pods].map(([, pod], index) => logs.end(`run-${index}`, endOf(pod.content))));
  expect(ends).toEqual([...pods.values()].map((pod) => endOf(pod.content)));
  expect(most).toBeLessThanOrEqual(4);
});

test("10,000 live runs that say nothing hold few streams, little memory, and their ends don't wait for each other", async () => {
  const { pods, api, open } = crowd(10_000);
  const before = heapInUse();
  const logs = await openLogs(api, { streams: 200 });
  for (let index = 0; index < pods.size; index++) logs.follow(place(index));
  await eventually(() => expect(open()).toBe(200), 20_000);
  expect((heapInUse() - before) / pods.size).toBeLessThan(5_000);
  const [last] = [...pods.values()].slice(-1);
  last?.print("quick\n");
  last?.end();
  expect(await logs.end("run-9999")).toEqual(endOf("quick\n"));
  expect(open()).toBeLessThanOrEqual(216);
});
