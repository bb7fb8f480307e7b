import { describe, expect, it, onTestFinished } from "vitest";
import { pipelineHash } from "../../../src/gateway/sessions/workflow-config.ts";
import type { Store } from "../../../src/gateway/store/store.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import type { PipelineKey } from "../../../src/protocol/messages.ts";
import { eventually } from "../../fakes/eventually.ts";
import { pipeline, report } from "../store/records.ts";
import { Harness } from "./sessions-harness.ts";

const key = (generation = 1): PipelineKey => ({ pipelineId: crypto.randomUUID(), generation, hash: "a".repeat(64) });

describe("comparing pipelines", () => {
  it("deletes nothing when the store is empty and lists what the runner has as orphans", async () => {
    const harness = await Harness.start();
    const orphans = [key(), key(3)];
    const line = await (await harness.dial()).greet();
    await line.compare({ pipelines: orphans });
    expect(line.all("wanted")[0]?.body).toEqual({ pipelines: [], tombstones: [], last: true });
    line.inStep(orphans);
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.orphans).toEqual(orphans));
    harness.sessions.wake("alpha");
    await harness.clock.advance(16_000);
    expect(line.all("pipeline.delete")).toEqual([]);
  });

  it("sends the body of a wanted pipeline that is fetched, and nothing for one that isn't wanted", async () => {
    const harness = await Harness.start();
    const wanted = await harness.pipeline();
    const undeployed = await harness.pipeline({ deployed: false });
    const line = await (await harness.dial()).greet();
    await line.compare();
    expect(line.all("wanted")[0]?.body.pipelines).toEqual([
      { pipelineId: wanted.pipelineId, generation: 1, hash: wanted.hash },
    ]);
    line.send("fetch", { pipelineId: undeployed.pipelineId });
    line.send("fetch", { pipelineId: wanted.pipelineId });
    const { body } = await line.next("pipeline.deploy");
    expect(body.pipeline).toMatchObject({ pipelineId: wanted.pipelineId, generation: 1, hash: wanted.hash });
    expect(pipelineHash(body.pipeline)).toMatch(/^[0-9a-f]{64}$/);
    line.inStep();
    harness.sessions.wake("alpha");
    await harness.clock.advance(16_000);
    expect(line.all("pipeline.deploy")).toHaveLength(1);
  });

  it("sends a new generation and a tombstone as they appear, each once", async () => {
    const harness = await Harness.start();
    const one = await harness.pipeline();
    const has = { pipelines: [{ pipelineId: one.pipelineId, generation: 1, hash: one.hash }] };
    const line = await harness.runner(has);
    await harness.store.changePipeline(one.pipelineId, 1, { enabled: false, updatedAt: 2 });
    harness.sessions.wake("alpha");
    const deploy = await line.next("pipeline.deploy");
    expect(deploy.body.pipeline).toMatchObject({ generation: 2, enabled: false });
    await harness.store.changePipeline(one.pipelineId, 2, { deletedAt: 3, updatedAt: 3 });
    harness.sessions.wake("alpha");
    const gone = await line.next("pipeline.delete");
    expect(gone.body).toMatchObject({ pipelineId: one.pipelineId, generation: 3 });
    harness.sessions.wake("alpha");
    await harness.clock.advance(16_000);
    expect([line.all("pipeline.deploy").length, line.all("pipeline.delete").length]).toEqual([1, 1]);
  });

  it("counts past the runner's generation when the gateway was restored from an older backup", async () => {
    const harness = await Harness.start();
    const one = await harness.pipeline();
    const line = await (await harness.dial()).greet();
    await line.compare({ pipelines: [{ pipelineId: one.pipelineId, generation: 7, hash: "b".repeat(64) }] });
    const [wanted] = line.all("wanted")[0]?.body.pipelines ?? [];
    expect(wanted).toMatchObject({ pipelineId: one.pipelineId, generation: 8 });
    line.send("fetch", { pipelineId: one.pipelineId });
    const { body } = await line.next("pipeline.deploy");
    expect(body.pipeline).toMatchObject({ generation: 8, hash: wanted?.hash });
    expect(pipelineHash(body.pipeline)).toBe(wanted?.hash);
    expect((await harness.store.findPipeline(one.pipelineId))?.generation).toBe(8);
  });

  it("takes no generation that no backup explains: the runner is refused, and its pipeline stays as it was", async () => {
    const harness = await Harness.start();
    const one = await harness.pipeline();
    for (const generation of [1_000_002, 1_000_000_000_000_000]) {
      const line = await (await harness.dial()).greet();
      const listed = { pipelineId: one.pipelineId, generation, hash: "b".repeat(64) };
      line.send("inventory", { pipelines: [listed], runs: [], last: true });
      expect(await line.ended()).toMatchObject({ name: "badFrame", code: 4400 });
    }
    expect((await harness.store.findPipeline(one.pipelineId))?.generation).toBe(1);
  });

  it.each(["in one page", "in two pages"])(
    "takes each pipeline and each run once in an inventory: twice %s",
    async (where) => {
      const harness = await Harness.start();
      const one = await harness.pipeline();
      const pipelines = [1, 1_000_000, 1_999_999].map((generation) => ({
        ...key(generation),
        pipelineId: one.pipelineId,
      }));
      const runId = crypto.randomUUID();
      const runs = (["queued", "running"] as const).map((state) => ({
        runId,
        pipelineId: one.pipelineId,
        attempt: 1,
        state,
      }));
      const inventories = [
        { pipelines, runs: [] },
        { pipelines: [], runs },
      ];
      for (const { pipelines, runs } of inventories) {
        const line = await (await harness.dial()).greet();
        if (where === "in one page") line.send("inventory", { pipelines, runs, last: true });
        else {
          line.send("inventory", { pipelines: pipelines.slice(0, 1), runs: runs.slice(0, 1), last: false });
          line.send("inventory", { pipelines: pipelines.slice(1), runs: runs.slice(1), last: true });
        }
        expect(await line.ended()).toMatchObject({ name: "badFrame", code: 4400 });
      }
      expect((await harness.store.findPipeline(one.pipelineId))?.generation).toBe(1);
      expect(await harness.store.listRuns({ limit: 10 })).toEqual([]);
    },
  );

  it("lets others get their turn between the pieces of a long inventory", async () => {
    const turns: Record<"read" | "raised", number[]> = { read: [], raised: [] };
    const sizes: number[] = [];
    let turn = 0;
    let going = true;
    const count = (): void => {
      turn++;
      if (going) setImmediate(count);
    };
    onTestFinished(() => {
      going = false;
    });
    const wrap = (store: Store): Store => ({
      ...store,
      findRuns: (runIds) => {
        turns.read.push(turn);
        sizes.push(runIds.length);
        return store.findRuns(runIds);
      },
      changePipeline: (...all) => {
        turns.raised.push(turn);
        return store.changePipeline(...all);
      },
    });
    const harness = await Harness.start({ wrap });
    const own = await Promise.all([1, 2, 3].map(() => harness.pipeline()));
    const pipelineId = own[0]?.pipelineId ?? "";
    const line = await (await harness.dial()).greet();
    count();
    for (let page = 0; page < 3; page++) {
      const runs = Array.from({ length: LIMITS.pageEntries }, () => ({
        runId: crypto.randomUUID(),
        pipelineId,
        attempt: 1,
        state: "running" as const,
      }));
      line.send("inventory", { pipelines: [], runs, last: false });
    }
    await line.compare({ pipelines: own.map((one) => ({ ...key(5), pipelineId: one.pipelineId })) });
    expect(sizes).toEqual([LIMITS.pageEntries, LIMITS.pageEntries, LIMITS.pageEntries]);
    expect([new Set(turns.read).size, new Set(turns.raised).size]).toEqual([3, 3]);
    const generations = await Promise.all(own.map((one) => harness.store.findPipeline(one.pipelineId)));
    expect(generations.map((one) => one?.generation)).toEqual([6, 6, 6]);
  });

  it("tells tombstones at the greeting and doesn't repeat them as operations", async () => {
    const harness = await Harness.start();
    const one = await harness.pipeline();
    await harness.store.changePipeline(one.pipelineId, 1, { deletedAt: 3, updatedAt: 3 });
    const has = { pipelines: [{ pipelineId: one.pipelineId, generation: 1, hash: one.hash }] };
    const line = await harness.runner(has);
    expect(line.all("wanted")[0]?.body.tombstones).toEqual([{ pipelineId: one.pipelineId, generation: 2 }]);
    await harness.clock.advance(16_000);
    expect(line.all("pipeline.delete")).toEqual([]);
  });

  it("shows what a runner would not take, tries again ever more rarely, and sends a corrected generation at once", async () => {
    const harness = await Harness.start();
    const one = await harness.pipeline();
    const line = await harness.dial();
    line.answer = () => ({ outcome: "refused", reason: "policy", message: "not this type", advice: "ask" });
    await line.greet();
    await line.compare();
    line.inStep();
    await eventually(() =>
      expect(harness.sessions.connected().get("alpha")?.refused).toEqual([
        { pipelineId: one.pipelineId, generation: 1, reason: "policy", message: "not this type", advice: "ask" },
      ]),
    );
    line.answer = () => ({ outcome: "accepted" });
    await harness.store.changePipeline(one.pipelineId, 1, { updatedAt: 2 });
    harness.sessions.wake("alpha");
    await line.next("pipeline.deploy", (deploy) => deploy.body.pipeline.generation === 2);
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.refused).toEqual([]));
  });

  it("pages what is wanted, and keeps few bodies on the way at once", async () => {
    const harness = await Harness.start();
    const first = await harness.pipeline();
    for (let count = 0; count < LIMITS.pageEntries + 10; count++) {
      await harness.store.addPipeline(pipeline({ serviceId: first.serviceId }), undefined);
    }
    const line = await harness.dial();
    line.answer = () => undefined;
    await line.greet();
    await line.compare();
    const pages = line.all("wanted").map((page) => page.body);
    expect(pages.map((page) => [page.pipelines.length, page.last])).toEqual([
      [LIMITS.pageEntries, false],
      [11, true],
    ]);
    line.inStep();
    await eventually(() => expect(line.all("pipeline.deploy").length).toBeGreaterThan(3));
    await harness.clock.advance(100);
    expect(line.all("pipeline.deploy").length).toBeLessThan(20);
  });
});

describe("comparing logs", () => {
  it("keeps the cursor of a log that isn't whole, though its run has ended and isn't in the inventory any more", async () => {
    const harness = await Harness.start();
    const one = await harness.pipeline();
    const log = { bytes: 10, sha256: "0".repeat(64) };
    const [partly, whole] = [await harness.waitingRun(one), await harness.waitingRun(one)];
    for (const [run, text] of [
      [partly, "half\n"],
      [whole, "all of it\n"],
    ] as const) {
      await harness.store.appendLog(run.runId, 0, text);
      await harness.store.takeReport("alpha", report(run, "success", { log }), 9);
    }
    const line = await (await harness.dial()).greet();
    await line.compare({ runs: [] });
    expect(line.all("logCursors").flatMap((page) => page.body.runs)).toEqual([{ runId: partly.runId, offset: 5 }]);
  });

  it("tells how far the log of each reported run is stored, of this runner's runs only", async () => {
    const harness = await Harness.start();
    const one = await harness.pipeline();
    const run = await harness.waitingRun(one, { dispatch: "accepted" });
    const foreign = await harness.waitingRun(one, { runnerId: "beta" });
    await harness.store.appendLog(run.runId, 0, "hé\n");
    const reported = (runId: string) => ({ runId, pipelineId: one.pipelineId, attempt: 1, state: "queued" as const });
    const line = await (await harness.dial()).greet();
    await line.compare({ runs: [run.runId, foreign.runId, crypto.randomUUID()].map(reported) });
    expect(line.all("logCursors").flatMap((page) => page.body.runs)).toEqual([{ runId: run.runId, offset: 4 }]);
  });
});
