import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { containerState } from "../../../src/executor/pods/judge/facts.ts";
import { LABELS } from "../../../src/executor/pods/labels.ts";
import { MAIN } from "../../../src/executor/pods/template/pod-names.ts";
import { PODS } from "../../../src/kubernetes/objects.ts";
import { watchObjects } from "../../../src/kubernetes/reflector.ts";
import { eventually } from "../../fakes/eventually.ts";
import { Site } from "../../road/site.ts";
import { deployMany, shellPods, startAll } from "../cluster-site.ts";
import { kubectl } from "../cluster-tool.ts";
import { clusterApi } from "../cluster-world.ts";
import { temporaryNamespace } from "../namespace.ts";

const MINUTE = 60_000;
const RUNS = 400;
/** What docs/testing-on-a-cluster.md says of nodes without containers. */
const ON_FAKE_NODES = { INGESTION_NODE_SELECTOR: "type=fake", INGESTION_CUSTOMER_TOLERATION: "type=fake:NoSchedule" };
const hasFakeNodes = (await kubectl("get", "nodes", "-l", "type=fake", "-o", "name")) !== "";

test(
  "400 runs at once on the real node: each has its one pod, and all end well (T37)",
  {
    timeout: 10 * MINUTE,
  },
  () => burst("burst"),
);

if (!hasFakeNodes)
  process.stdout.write("skipped: 400 runs on fake nodes; the cluster has no node with the label type=fake\n");

test.skipIf(!hasFakeNodes)(
  "400 runs at once on nodes without containers: each has its one pod, and all end well (T37)",
  {
    timeout: 10 * MINUTE,
  },
  () => burst("fake-burst", ON_FAKE_NODES),
);

async function burst(topic: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
  const namespace = await temporaryNamespace(topic);
  const seen = await recordPods(namespace);
  const site = await Site.open();
  await site.startRunner({ environment: { ...shellPods(namespace, "true"), MAX_CONCURRENT_RUNS: "1000", ...more } });
  await site.connected();
  const pipelines = await deployMany(site, RUNS);
  const since = Date.now();
  const runs = await startAll(site, pipelines);
  await eventually(
    async () => expect(new Set([...seen.values()].map(({ runId }) => runId)).size).toBe(RUNS),
    2 * MINUTE,
  );
  process.stdout.write(
    `${topic}: the pods of ${RUNS} runs had been seen ${Math.round((Date.now() - since) / 1000)} s after the first order\n`,
  );
  const ends = [];
  for (const run of runs) ends.push(await site.ended(run, 8 * MINUTE));
  expect(ends.filter(({ state }) => state !== "success")).toEqual([]);
  // What was seen of them in all the time counts, not what is left: pods of ended runs may go whenever the cluster pleases.
  const unstarted = [...seen.values()].filter(({ isUnstarted }) => isUnstarted);
  process.stdout.write(`${topic}: pods that the node did not manage to start: ${unstarted.length}\n`);
  const podsOf = Map.groupBy(
    [...seen.values()].filter((pod) => !unstarted.includes(pod)),
    ({ runId }) => runId,
  );
  expect([...podsOf.keys()].sort()).toEqual([...runs].sort());
  expect([...podsOf.values()].filter((pods) => pods.length !== 1)).toEqual([]);
  await eventually(() => {
    const others = [...seen.values()].filter(({ phase, isUnstarted }) => phase !== "Succeeded" && !isUnstarted);
    expect(others).toEqual([]);
  }, MINUTE);
  for (const pod of seen.values())
    if (pod.isGone) process.stdout.write(`${topic}: gone since: ${JSON.stringify(pod)}\n`);
}

interface PodSeen {
  readonly name: string;
  readonly runId: string;
  readonly phase: string;
  /** So many containers were too much for the node: its runtime gave up starting this one, and the run got another attempt. */
  readonly isUnstarted: boolean;
  readonly deletionTimestamp?: string;
  readonly isGone: boolean;
}

/** Every pod of the namespace from now on, by UID, as it was seen last. */
async function recordPods(namespace: string): Promise<ReadonlyMap<string, PodSeen>> {
  const seen = new Map<string, PodSeen>();
  const api = await clusterApi();
  const watched = watchObjects(api, PODS, namespace, { clock: systemClock, log: silentLog });
  watched.onChange(({ type, object }) => {
    const { metadata, status } = object;
    seen.set(metadata.uid ?? "", {
      name: metadata.name,
      runId: metadata.labels?.[LABELS.runId] ?? "",
      phase: status?.phase ?? "",
      isUnstarted: containerState(object, MAIN)?.terminated?.reason === "StartError",
      ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
      isGone: type === "gone",
    });
  });
  onTestFinished(async () => {
    await watched.close();
    await api.close();
  });
  await watched.ready(AbortSignal.timeout(MINUTE));
  return seen;
}
