import { join } from "node:path";
import { expect, test } from "vitest";
import { CodedError, defineErrors } from "../../src/base/errors.ts";
import { silentLog } from "../../src/base/log.ts";
import type { Deployments, FoundDeployment } from "../../src/executor/executor.ts";
import { type ClusterPipelines, keepInCluster } from "../../src/pipelines/cluster-pipelines.ts";
import { openPipelineFiles } from "../../src/pipelines/pipeline-files.ts";
import { Pipelines } from "../../src/pipelines/pipelines.ts";
import type { PipelineBody } from "../../src/protocol/messages.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";

const REFUSALS = defineErrors({
  TestQuota: { retryable: false, advice: "Raise the quota" },
  TestAway: { retryable: true, advice: "Wait" },
});

/** A cluster that keeps deployments, with their bodies or without. */
class Kept implements Deployments {
  readonly fires = "cluster";
  readonly objects: Map<string, PipelineBody> = new Map();
  puts = 0;
  withBodies = false;
  refusal: CodedError | undefined;
  tend?: NonNullable<Deployments["tend"]>;

  async list(): Promise<readonly FoundDeployment[]> {
    return [...this.objects.values()].map((body) => {
      const { pipelineId, generation, hash, enabled, schedule } = body;
      const found = { pipelineId, generation, hash, enabled, ...(schedule === undefined ? {} : { schedule }) };
      return this.withBodies ? { ...found, body } : found;
    });
  }

  async put(body: PipelineBody): Promise<boolean> {
    this.puts++;
    if (this.refusal !== undefined) throw this.refusal;
    const isNew = this.objects.get(body.pipelineId)?.hash !== body.hash;
    this.objects.set(body.pipelineId, body);
    return isNew;
  }

  async remove(pipelineId: string): Promise<void> {
    if (this.refusal !== undefined) throw this.refusal;
    this.objects.delete(pipelineId);
  }
}

function body(generation: number, changes: Partial<PipelineBody> = {}): PipelineBody {
  return {
    pipelineId: "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa",
    generation,
    hash: `hash-${generation}`,
    name: "p",
    fullyQualifiedName: "s.p",
    pipelineType: "metadata",
    enabled: true,
    schedule: { cron: "0 2 * * *", timeZone: "UTC" },
    config: { source: { type: "sqlite" } },
    ...changes,
  };
}

const { pipelineId } = body(1);

interface World {
  readonly kept: Kept;
  readonly clock: FakeClock;
  /** As after a restart, on the same disk or on a new one. */
  open(disk?: "same" | "new"): Promise<{ readonly store: ClusterPipelines; readonly pipelines: Pipelines }>;
}

async function world(): Promise<World> {
  const [kept, clock] = [new Kept(), new FakeClock()];
  let directory = join(await temporaryDirectory(), "pipelines");
  return {
    kept,
    clock,
    open: async (disk = "same") => {
      if (disk === "new") directory = join(await temporaryDirectory(), "pipelines");
      const files = await openPipelineFiles(directory, silentLog);
      const store = keepInCluster({ files, deployments: kept, clock, log: silentLog });
      return { store, pipelines: await Pipelines.open(store) };
    },
  };
}

test("a pipeline is in its file and in the cluster, and gone from both after its removal", async () => {
  const { kept, open } = await world();
  const { pipelines } = await open();
  await pipelines.deploy(body(1));
  await pipelines.deploy(body(2, { enabled: false }));
  expect(kept.objects.get(pipelineId)).toEqual(body(2, { enabled: false }));
  expect(await (await open()).pipelines.read(pipelineId)).toEqual(body(2, { enabled: false }));
  await pipelines.remove(pipelineId);
  expect(kept.objects.size).toBe(0);
  expect((await open()).pipelines.keys()).toEqual([]);
});

test("a deployment that the cluster refuses leaves the old body in place and tells the cluster's reason", async () => {
  const { kept, open } = await world();
  const { pipelines } = await open();
  const refusal = new CodedError(REFUSALS.TestQuota, "Cannot create the CronJob: exceeded quota");
  kept.refusal = refusal;
  await expect(pipelines.deploy(body(1))).rejects.toBe(refusal);
  expect([pipelines.keys(), (await open()).pipelines.keys()]).toEqual([[], []]);
  kept.refusal = undefined;
  await pipelines.deploy(body(1));
  kept.refusal = refusal;
  await expect(pipelines.deploy(body(2))).rejects.toBe(refusal);
  expect((await pipelines.read(pipelineId))?.generation).toBe(1);
  expect((await (await open()).pipelines.read(pipelineId))?.generation).toBe(1);
  await expect(pipelines.remove(pipelineId)).rejects.toBe(refusal);
  expect(pipelines.head(pipelineId)?.generation).toBe(1);
});

test("after a lost disk a pipeline that only the cluster has is told with its version, fetched again, and is no orphan to delete", async () => {
  const { kept, open } = await world();
  await (await open()).pipelines.deploy(body(3));
  const { pipelines } = await open("new");
  const key = { pipelineId, generation: 3, hash: "hash-3" };
  expect(pipelines.keys()).toEqual([key]);
  expect(pipelines.head(pipelineId)).toMatchObject({ bodyMissing: true, schedule: { cron: "0 2 * * *" } });
  expect(await pipelines.read(pipelineId)).toBeUndefined();
  expect(pipelines.compare([key], [])).toEqual({ fetch: [pipelineId], remove: [], orphans: [] });
  expect(pipelines.compare([], [])).toEqual({ fetch: [], remove: [], orphans: [key] });
  expect(pipelines.compare([], [{ pipelineId, generation: 3 }]).remove).toHaveLength(1);

  await pipelines.deploy(body(3));
  expect(await pipelines.read(pipelineId)).toEqual(body(3));
  expect(pipelines.compare([key], []).fetch).toEqual([]);
  expect(kept.objects.get(pipelineId)).toEqual(body(3));
});

test("after a lost disk a body that the cluster kept is taken from there", async () => {
  const { kept, open } = await world();
  kept.withBodies = true;
  await (await open()).pipelines.deploy(body(3));
  const { pipelines } = await open("new");
  expect(await pipelines.read(pipelineId)).toEqual(body(3));
  expect(pipelines.head(pipelineId)?.bodyMissing).toBeUndefined();
  kept.objects.clear();
  expect((await (await open()).pipelines.read(pipelineId))?.generation).toBe(3);
});

test("with a disk older than the cluster the file's body is not taken for the deployed one", async () => {
  const { kept, open } = await world();
  await (await open()).pipelines.deploy(body(1));
  kept.objects.set(pipelineId, body(5));
  const { pipelines, store } = await open();
  expect(pipelines.head(pipelineId)).toMatchObject({ generation: 5, bodyMissing: true });
  expect(await pipelines.read(pipelineId)).toBeUndefined();
  await store.refresh(new AbortController().signal);
  expect(kept.objects.get(pipelineId)?.generation).toBe(5);
  await pipelines.deploy(body(5));
  expect((await pipelines.read(pipelineId))?.generation).toBe(5);
});

test("refresh finishes a deployment that a crash left in its file", async () => {
  const { kept, open } = await world();
  const { pipelines } = await open();
  await pipelines.deploy(body(2));
  kept.objects.set(pipelineId, body(1));
  const again = await open();
  expect(again.pipelines.head(pipelineId)?.generation).toBe(2);
  await again.store.refresh(new AbortController().signal);
  expect(kept.objects.get(pipelineId)?.generation).toBe(2);
});

test("refresh tries again what fails for a while, and leaves what is refused for good", async () => {
  const { kept, clock, open } = await world();
  const other = "bbbbbbbb-bbbb-4bbb-8bbb-bbbbbbbbbbbb";
  const { pipelines } = await open();
  await pipelines.deploy(body(1));
  await pipelines.deploy(body(1, { pipelineId: other }));
  const { store } = await open();

  kept.puts = 0;
  kept.refusal = new CodedError(REFUSALS.TestQuota, "Cannot create the CronJob: exceeded quota");
  await store.refresh(new AbortController().signal);
  expect(kept.puts).toBe(2);

  kept.objects.clear();
  kept.refusal = new CodedError(REFUSALS.TestAway, "Cannot reach the API server: refused");
  const refreshed = store.refresh(new AbortController().signal);
  await eventually(() => expect(kept.puts).toBe(4));
  kept.refusal = undefined;
  await eventually(async () => {
    await clock.advance(1000);
    expect(kept.objects.size).toBe(2);
  });
  await refreshed;
});

test("refresh asks the cluster nothing about pipelines that run on demand, unless it has something of them", async () => {
  const { kept, open } = await world();
  const { schedule: _, ...onDemand } = body(1);
  const { pipelines } = await open();
  await pipelines.deploy(onDemand);
  kept.objects.clear();
  kept.puts = 0;
  await (await open()).store.refresh(new AbortController().signal);
  expect(kept.puts).toBe(0);
  kept.objects.set(pipelineId, body(1));
  await (await open()).store.refresh(new AbortController().signal);
  expect(kept.objects.get(pipelineId)).toEqual(onDemand);
});

test("refresh ends when it is told to, while the cluster is away", async () => {
  const { kept, open } = await world();
  await (await open()).pipelines.deploy(body(1));
  const files = await open();
  kept.refusal = new CodedError(REFUSALS.TestAway, "Cannot reach the API server: refused");
  const controller = new AbortController();
  const refreshed = files.store.refresh(controller.signal);
  await eventually(() => expect(kept.puts).toBe(2));
  controller.abort();
  await refreshed;
  expect(kept.puts).toBe(2);
});

test("refresh has the cluster's objects tended until it is told to end: what is deployed now is what is put again", async () => {
  const { kept, open } = await world();
  const { store, pipelines } = await open();
  await pipelines.deploy(body(1));
  const controller = new AbortController();
  const tending = Promise.withResolvers<(pipelineId: string) => Promise<boolean>>();
  kept.tend = (again, signal) => {
    tending.resolve(again);
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve()));
  };
  const refreshed = store.refresh(controller.signal);
  const again = await tending.promise;
  await eventually(() => expect(kept.puts).toBe(2));
  expect(await again(pipelineId)).toBe(false);
  await pipelines.deploy(body(2));
  kept.objects.clear();
  expect(await again(pipelineId)).toBe(true);
  expect(kept.objects.get(pipelineId)?.generation).toBe(2);
  await pipelines.remove(pipelineId);
  expect(await again(pipelineId)).toBe(false);
  expect(kept.objects.size).toBe(0);
  controller.abort();
  await refreshed;
});

test("refresh goes on when what the cluster has can't be listed at first", async () => {
  const { kept, clock, open } = await world();
  await (await open()).pipelines.deploy(body(1));
  const { store } = await open();
  kept.objects.clear();
  const list = kept.list.bind(kept);
  kept.list = () => Promise.reject(new CodedError(REFUSALS.TestAway, "Cannot reach the API server: refused"));
  const refreshed = store.refresh(new AbortController().signal);
  await clock.advance(1000);
  kept.list = list;
  await eventually(async () => {
    await clock.advance(1000);
    expect(kept.objects.size).toBe(1);
  });
  await refreshed;
});
