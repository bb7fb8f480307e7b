import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { Site } from "../road/site.ts";
import { objects, shellPods, startMany, stopSchedulesAfter } from "./cluster-site.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";

const MINUTE = 60_000;

test("50 pending pods and a restart: no new pod, and every one is found again (T12)", {
  timeout: 5 * MINUTE,
}, async () => {
  const namespace = await temporaryNamespace("pending");
  const site = await Site.open();
  const environment = {
    ...shellPods(namespace, "true"),
    INGESTION_NODE_SELECTOR: '{"no-node":"has-this"}',
    MAX_CONCURRENT_RUNS: "100",
  };
  const first = await site.startRunner({ environment });
  await site.connected();
  const runs = await startMany(site, 50);
  await eventually(async () => expect(await objects(namespace, "pods")).toHaveLength(50), MINUTE);
  const before = (await objects(namespace, "pods")).map((pod) => pod.metadata.uid).sort();
  await first.end("SIGKILL");
  await site.startRunner({ environment });
  await site.connected();
  await eventually(async () => {
    for (const run of runs)
      expect(await site.run(run)).toMatchObject({ state: "queued", waiting: expect.stringMatching(/nschedulable/) });
  }, MINUTE);
  expect((await objects(namespace, "pods")).map((pod) => pod.metadata.uid).sort()).toEqual(before);
  expect(await objects(namespace, "jobs")).toHaveLength(50);
});

test("a runner killed at any moment of a run leaves one Job, one pod and one true end", {
  timeout: 6 * MINUTE,
}, async () => {
  const namespace = await temporaryNamespace("kill");
  const site = await Site.open();
  const environment = shellPods(namespace, "echo begun; sleep 2; echo done");
  let runner = await site.startRunner({ environment });
  await site.connected();
  const pipelines = await Promise.all(Array.from({ length: 8 }, () => site.deploy("metadata")));
  const runs: string[] = [];
  for (const [index, pipelineId] of pipelines.entries()) {
    runs.push(await site.start(pipelineId));
    // From "just ordered" to "just ended".
    await sleep(index * 600);
    await runner.end("SIGKILL");
    runner = await site.startRunner({ environment });
    await site.connected();
  }
  for (const run of runs) {
    expect(await site.ended(run, 2 * MINUTE)).toMatchObject({ state: "success", exitCode: 0 });
    expect(await site.wholeLog(run)).toBe("begun\ndone\n");
  }
  const names = (await objects(namespace, "jobs")).map((job) => job.metadata.labels?.["hybrid-runner/run-id"]);
  expect(names.sort()).toEqual([...runs].sort());
  expect(await objects(namespace, "pods")).toHaveLength(runs.length);
});

test("a CronJob fires while the runner is down, and its run is told afterwards with true times", {
  timeout: 5 * MINUTE,
}, async () => {
  const namespace = await temporaryNamespace("cron");
  stopSchedulesAfter(namespace);
  const site = await Site.open();
  const environment = shellPods(namespace, "echo $pipelineRunId; sleep 1");
  const first = await site.startRunner({ environment });
  await site.connected();
  const pipelineId = await site.deploy("metadata", { more: { schedule: { cron: "* * * * *" } } });
  await eventually(async () => expect(await objects(namespace, "cronjobs")).toHaveLength(1), MINUTE);
  await first.end("SIGKILL");
  const job = await eventually(async () => {
    const [found] = await objects(namespace, "jobs");
    if (found === undefined) throw new Error("nothing has fired");
    return found;
  }, 2 * MINUTE);
  await kubectl("-n", namespace, "wait", "--for=condition=complete", `job/${job.metadata.name}`, "--timeout=60s");
  const backAt = Date.now();
  await site.startRunner({ environment });
  await site.connected();
  const run = await site.ended(job.metadata.uid, MINUTE);
  expect(run).toMatchObject({ state: "success", pipelineId });
  const { startedAt = "", endedAt = "" } = run as { startedAt?: string; endedAt?: string };
  expect(Date.parse(startedAt)).toBeGreaterThanOrEqual(Date.parse(job.metadata.creationTimestamp));
  expect(Date.parse(endedAt)).toBeLessThan(backAt);
  expect(await site.wholeLog(job.metadata.uid)).toBe(`${job.metadata.uid}\n`);
});

test("two runners side by side in one namespace don't touch each other's runs", { timeout: 5 * MINUTE }, async () => {
  const namespace = await temporaryNamespace("two");
  const site = await Site.open();
  const environment = shellPods(namespace, "sleep 3; echo $pipelineRunId");
  const ids = ["east", "west"];
  for (const id of ids) await site.startRunner({ id, place: id, environment });
  for (const id of ids) await site.connected(id);
  const runs = new Map<string, string[]>();
  for (const id of ids) {
    const pipelines = await Promise.all(Array.from({ length: 3 }, () => site.deploy("metadata", { runnerId: id })));
    runs.set(id, await Promise.all(pipelines.map((pipelineId) => site.start(pipelineId))));
  }
  const [stopped = ""] = runs.get("east") ?? [];
  await site.until(stopped, ["running"], MINUTE);
  await site.api("POST", `/runs/${stopped}/stop`);
  for (const [id, own] of runs) {
    for (const run of own) {
      expect(await site.ended(run, MINUTE)).toMatchObject({
        state: run === stopped ? "stopped" : "success",
        runnerId: id,
      });
    }
  }
});
