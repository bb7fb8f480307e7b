import { expect, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { Site } from "../../road/site.ts";
import { deployMany, objects, shellPods, startAll } from "../cluster-site.ts";
import { kubectl } from "../cluster-tool.ts";
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
  const site = await Site.open();
  await site.startRunner({ environment: { ...shellPods(namespace, "true"), MAX_CONCURRENT_RUNS: "1000", ...more } });
  await site.connected();
  const pipelines = await deployMany(site, RUNS);
  const since = Date.now();
  const runs = await startAll(site, pipelines);
  const there = async (kind: string): Promise<number> => {
    await eventually(async () => expect((await objects(namespace, kind)).length).toBeGreaterThanOrEqual(RUNS), MINUTE);
    return Math.round((Date.now() - since) / 1000);
  };
  const [jobs, pods] = [await there("jobs"), await there("pods")];
  process.stdout.write(
    `${topic}: ${RUNS} Jobs were there ${jobs} s after the first order, and their pods after ${pods} s\n`,
  );
  for (const run of runs) expect(await site.ended(run, 8 * MINUTE)).toMatchObject({ state: "success" });
  expect(await objects(namespace, "pods")).toHaveLength(RUNS);
}
