import { expect, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { Site } from "../../road/site.ts";
import { deployMany, objects, shellPods, startAll } from "../cluster-site.ts";
import { temporaryNamespace } from "../namespace.ts";

const MINUTE = 60_000;

test("400 runs at once on the real node: each has its one pod, and all end well (T37)", {
  timeout: 10 * MINUTE,
}, async () => {
  const namespace = await temporaryNamespace("burst");
  const site = await Site.open();
  await site.startRunner({ environment: { ...shellPods(namespace, "true"), MAX_CONCURRENT_RUNS: "1000" } });
  await site.connected();
  const pipelines = await deployMany(site, 400);
  const since = Date.now();
  const runs = await startAll(site, pipelines);
  await eventually(async () => expect((await objects(namespace, "pods")).length).toBeGreaterThanOrEqual(400), MINUTE);
  process.stdout.write(`400 pods were there ${Math.round((Date.now() - since) / 1000)} s after the first order\n`);
  for (const run of runs) expect(await site.ended(run, 8 * MINUTE)).toMatchObject({ state: "success" });
  expect(await objects(namespace, "pods")).toHaveLength(400);
});
