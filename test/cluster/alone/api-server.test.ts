import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../../src/base/clock.ts";
import { silentLog } from "../../../src/base/log.ts";
import { CONFIG_MAPS } from "../../../src/kubernetes/objects.ts";
import { watchObjects } from "../../../src/kubernetes/reflector.ts";
import { eventually } from "../../fakes/eventually.ts";
import { Site } from "../../road/site.ts";
import { objects, shellPods, startMany } from "../cluster-site.ts";
import { clusterTool } from "../cluster-tool.ts";
import { temporaryNamespace } from "../namespace.ts";
import { administrator } from "../runner-identity.ts";

const MINUTE = 60_000;

test("the API server is killed and started again under 30 live runs: none fails (T24)", {
  timeout: 6 * MINUTE,
}, async () => {
  const namespace = await temporaryNamespace("apiserver");
  const site = await Site.open();
  const script = 'i=0; while [ $i -lt 25 ]; do echo "$pipelineRunId $i"; i=$((i+1)); sleep 1; done';
  await site.startRunner({ environment: { ...shellPods(namespace, script), MAX_CONCURRENT_RUNS: "100" } });
  await site.connected();
  const runs = await startMany(site, 30);
  for (const run of runs) await site.until(run, ["running"], 2 * MINUTE);
  await clusterTool("restart", "apiserver");
  for (const run of runs) {
    expect(await site.ended(run, 3 * MINUTE)).toMatchObject({ state: "success", exitCode: 0 });
    const lines = (await site.wholeLog(run)).split("\n").filter((line) => line !== "");
    expect(lines).toEqual(Array.from({ length: 25 }, (_, number) => `${run} ${number}`));
  }
  expect(await objects(namespace, "jobs")).toHaveLength(30);
});

test("a watch from a version that the API server has forgotten lists anew and tells only differences", {
  timeout: 2 * MINUTE,
}, async () => {
  const namespace = await temporaryNamespace("expired");
  // Its history begins anew with it: what was before is answered with 410.
  await clusterTool("restart", "apiserver");
  const api = await administrator();
  const versions: string[] = [];
  const failures: unknown[] = [];
  let forgotten = false;
  const watch: typeof api.watch = async function* (resource, where, options, signal) {
    const resourceVersion = forgotten ? "1" : options.resourceVersion;
    forgotten = false;
    versions.push(resourceVersion);
    try {
      yield* api.watch(resource, where, { ...options, resourceVersion }, signal);
    } catch (error) {
      failures.push(error);
      throw error;
    }
  };
  const make = (name: string) =>
    api.create(CONFIG_MAPS, namespace, { apiVersion: "v1", kind: "ConfigMap", metadata: { name, labels: { x: "y" } } });
  await eventually(() => make("a"), MINUTE);
  const told: string[] = [];
  const options = { clock: systemClock, log: silentLog, selection: { labelSelector: "x=y" }, watchSeconds: 3 };
  const watched = watchObjects({ ...api, watch }, CONFIG_MAPS, namespace, options);
  onTestFinished(() => watched.close());
  watched.onChange(({ type, object }) => told.push(`${type} ${object.metadata.name}`));
  await watched.ready(AbortSignal.timeout(10_000));
  await eventually(() => expect(versions).toHaveLength(1));
  await api.remove(CONFIG_MAPS, namespace, "a", { propagation: "Background" });
  forgotten = true;
  await eventually(() => expect(versions).toContain("1"), 20_000);
  await make("b");
  await eventually(() => expect(told).toEqual(["set a", "gone a", "set b"]), 20_000);
  expect(failures).toMatchObject([{ code: "ApiExpired" }]);
});
