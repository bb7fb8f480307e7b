import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Sensitive } from "../../src/base/sensitive.ts";
import type { Store } from "../../src/gateway/store/store.ts";
import type { RunReport } from "../../src/protocol/messages.ts";
import { sha256Hex } from "../../src/runtime/crypto.ts";
import { pipeline, report, run, service } from "./store/records.ts";

/** What every store must do. `open` gives an empty one, closed when the test ends. */
export function storeContract(open: () => Promise<Store>): void {
  const bytes = (text: string): number => new TextEncoder().encode(text).length;
  const claim = { runnerId: "alpha", installationId: "here" };

  describe("runners", () => {
    it("raises the epoch at each greeting, for each runner by itself", async () => {
      const store = await open();
      expect(await store.claimSession(claim, 1)).toEqual({ epoch: 1 });
      expect(await store.claimSession(claim, 2)).toEqual({ epoch: 2 });
      expect(await store.claimSession({ ...claim, runnerId: "beta" }, 3)).toEqual({ epoch: 1 });
    });

    it("gives every one of many greetings at once its own epoch", async () => {
      const store = await open();
      const claims = await Promise.all(Array.from({ length: 20 }, () => store.claimSession(claim, 1)));
      expect(new Set(claims.map((one) => ("epoch" in one ? one.epoch : 0))).size).toBe(20);
    });

    it("binds a runner id to its first installation until it is rebound, and never lowers the epoch", async () => {
      const store = await open();
      await store.claimSession(claim, 1);
      const other = { runnerId: "alpha", installationId: "there" };
      expect(await store.claimSession(other, 2)).toEqual({ refused: "runnerIdInUse", boundTo: "here" });
      expect((await store.findRunner("alpha"))?.epoch).toBe(1);
      expect(await store.rebindRunner("alpha")).toBe(true);
      expect(await store.findRunner("alpha")).not.toHaveProperty("installationId");
      expect(await store.claimSession(other, 3)).toEqual({ epoch: 2 });
      expect(await store.claimSession(claim, 4)).toEqual({ refused: "runnerIdInUse", boundTo: "there" });
      expect(await store.rebindRunner("nobody")).toBe(false);
    });

    it("remembers what the last greeting told and when the runner was last seen", async () => {
      const store = await open();
      const facts = { instanceId: "i", runnerVersion: "1.0.0", executor: "process", platform: "linux" };
      await store.claimSession({ ...claim, ...facts, maxConcurrentRuns: 3, ingestionVersion: "1.9" }, 5);
      await store.claimSession({ ...claim, ...facts, runnerVersion: "1.1.0", lastSeenAt: 7 }, 7);
      await store.touchRunner("alpha", 9);
      const expected = { ...claim, ...facts, runnerVersion: "1.1.0", epoch: 2, createdAt: 5, lastSeenAt: 9 };
      expect(await store.listRunners()).toEqual([expected]);
    });
  });

  it("keeps tokens as hashes and the time of their first revocation", async () => {
    const store = await open();
    const tokenId = crypto.randomUUID();
    const token = { tokenId, sha256: "a".repeat(64), runnerId: "alpha", createdAt: 1, expiresAt: 9 };
    await store.addToken(token);
    await store.addToken({ tokenId: crypto.randomUUID(), sha256: "b".repeat(64), createdAt: 2 });
    expect(await store.findToken(tokenId)).toEqual(token);
    expect(await store.revokeToken(tokenId, 5)).toBe(true);
    expect(await store.revokeToken(tokenId, 6)).toBe(true);
    expect(await store.revokeToken("none", 6)).toBe(false);
    expect((await store.listTokens()).map((one) => one.revokedAt)).toEqual([5, undefined]);
  });

  describe("services and pipelines", () => {
    it("refuses a second service of a name, and the delete of one that has pipelines", async () => {
      const store = await open();
      const shop = service({ name: "shop" });
      await store.addService(shop);
      await expect(store.addService(service({ name: "shop" }))).rejects.toMatchObject({ code: "NameTaken" });
      expect(await store.listServices()).toEqual([shop]);
      const metadata = pipeline({ serviceId: shop.serviceId });
      await store.addPipeline(metadata, undefined);
      await expect(store.deleteService(shop.serviceId)).rejects.toMatchObject({ code: "ServiceInUse" });
      await store.changePipeline(metadata.pipelineId, 1, { deletedAt: 5, updatedAt: 5 });
      expect(await store.deleteService(shop.serviceId)).toBe(true);
      expect(await store.deleteService(shop.serviceId)).toBe(false);
    });

    it("gives a pipeline back as it was added, and frees its name when it is deleted", async () => {
      const store = await open();
      const schedule = { cron: "0 3 * * *", timeZone: "UTC" };
      const limits = { timeoutSeconds: 60, retries: 2, retryDelaySeconds: 30 };
      const full = pipeline({ sink: { type: "file", config: {} }, schedule, ...limits, enabled: false });
      await store.addPipeline(full, undefined);
      expect(await store.findPipeline(full.pipelineId)).toEqual(full);
      const twin = pipeline({ fullyQualifiedName: full.fullyQualifiedName });
      await expect(store.addPipeline(twin, undefined)).rejects.toMatchObject({ code: "NameTaken" });
      await store.changePipeline(full.pipelineId, 1, { deletedAt: 5, updatedAt: 5 });
      await store.addPipeline(twin, undefined);
      expect(await store.listPipelines({ runnerId: "alpha" })).toEqual([twin]);
      expect(await store.listPipelines({ includeDeleted: true })).toHaveLength(2);
    });

    it("makes a next generation only over the one the change was made from", async () => {
      const store = await open();
      const first = pipeline();
      await store.addPipeline(first, undefined);
      const changes = { enabled: false, hash: "0".repeat(64), updatedAt: 7 };
      const results = await Promise.all([
        store.changePipeline(first.pipelineId, 1, changes),
        store.changePipeline(first.pipelineId, 1, changes),
      ]);
      expect(results.filter((result) => result !== undefined)).toEqual([{ ...first, ...changes, generation: 2 }]);
    });

    it("wants deployed pipelines and keeps the tombstones of deleted ones", async () => {
      const store = await open();
      const wanted = pipeline();
      const gone = pipeline();
      for (const one of [wanted, gone, pipeline({ deployed: false }), pipeline({ runnerId: "beta" })]) {
        await store.addPipeline(one, undefined);
      }
      await store.changePipeline(gone.pipelineId, 1, { deletedAt: 5, updatedAt: 5 });
      expect(await store.wanted("alpha")).toEqual({
        pipelines: [{ pipelineId: wanted.pipelineId, generation: 1, hash: wanted.hash }],
        tombstones: [{ pipelineId: gone.pipelineId, generation: 2 }],
      });
    });

    it("gives the bot token back to the pipeline it came with", async () => {
      const store = await open();
      const withToken = pipeline();
      const without = pipeline();
      await store.addPipeline(withToken, new Sensitive("bot-tøken"));
      await store.addPipeline(without, undefined);
      expect((await store.botToken(withToken.pipelineId))?.reveal()).toBe("bot-tøken");
      expect(await store.botToken(without.pipelineId)).toBeUndefined();
    });
  });

  describe("runs", () => {
    it("lists runs newest first in pages, and open ones oldest first", async () => {
      const store = await open();
      const runs = Array.from({ length: 5 }, () => run());
      for (const one of runs) await store.addRun(one);
      const ids = runs.map((one) => one.runId);
      const page = await store.listRuns({ limit: 2 });
      expect(page.map((one) => one.runId)).toEqual([ids[4], ids[3]]);
      const next = await store.listRuns({ limit: 9, beforeRunId: ids[3] ?? "" });
      expect(next.map((one) => one.runId)).toEqual([ids[2], ids[1], ids[0]]);
      await store.takeReport("alpha", report(runs[1] ?? run(), "success"), 5);
      const open_ = await store.openRuns("alpha");
      expect(open_.map((one) => one.runId)).toEqual([ids[0], ids[2], ids[3], ids[4]]);
      expect(await store.listRuns({ states: ["success"], runnerId: "alpha", limit: 9 })).toHaveLength(1);
      expect(await store.openRuns("beta")).toEqual([]);
    });

    it("keeps the overrides of a run apart", async () => {
      const store = await open();
      const [source, app, none] = [
        run({ sourceConfigOverride: { a: [1] } }),
        run({ appConfigOverride: { b: null } }),
        run(),
      ];
      for (const one of [source, app, none]) await store.addRun(one);
      for (const one of [source, app, none]) expect(await store.findRun(one.runId)).toEqual(one);
    });

    it("keeps dispatch and the wish to stop", async () => {
      const store = await open();
      const one = run({ sourceConfigOverride: { a: [1] } });
      await store.addRun(one);
      await store.setDispatch(one.runId, "offered");
      expect(await store.requestStop(one.runId)).toEqual({ ...one, dispatch: "offered", stopRequested: true });
      expect(await store.requestStop("none")).toBeUndefined();
    });

    it("offers a run once, and none that has ended, shall stop or has no time left", async () => {
      const store = await open();
      const waiting = run({ startDeadline: 100 });
      const others = [run({ startDeadline: 99 }), run({ stopRequested: true }), run({ state: "failed" })];
      for (const one of [waiting, ...others]) await store.addRun(one);
      expect(await store.offerRun(waiting.runId, 100)).toEqual({ ...waiting, dispatch: "offered" });
      for (const one of [waiting, ...others]) expect(await store.offerRun(one.runId, 100)).toBeUndefined();
      expect(await store.offerRun("none", 100)).toBeUndefined();
      for (const one of others) expect(await store.findRun(one.runId)).toEqual(one);
    });

    it("takes any report of a live run as its acceptance", async () => {
      const store = await open();
      const one = run({ dispatch: "offered" });
      await store.addRun(one);
      expect(await store.takeReport("alpha", report(one, "queued"), 8)).toMatchObject({
        changed: true,
        run: { dispatch: "accepted", state: "queued" },
      });
      expect(await store.takeReport("alpha", report(one, "queued"), 8)).toMatchObject({ changed: false });
    });

    it("takes only reports that are news, whatever order they come in", async () => {
      const state = fc.constantFrom<RunReport["state"]>("queued", "running", "success", "failed", "stopped");
      const moments = fc.array(fc.record({ state, attempt: fc.integer({ min: 1, max: 3 }) }), { maxLength: 12 });
      const rank = { queued: 0, running: 1, success: 2, failed: 2, partialSuccess: 2, stopped: 2 };
      const store = await open();
      await fc.assert(
        fc.asyncProperty(moments, async (steps) => {
          const one = run({ dispatch: "accepted" });
          await store.addRun(one);
          let known: { attempt: number; state: RunReport["state"] } = { attempt: 1, state: "queued" };
          for (const step of steps) {
            const news =
              step.attempt > known.attempt || (step.attempt === known.attempt && rank[step.state] > rank[known.state]);
            if (news) known = step;
            const taken = await store.takeReport("alpha", report(one, step.state, { attempt: step.attempt }), 5);
            expect(taken?.changed).toBe(news);
            expect(taken?.run).toMatchObject(known);
          }
        }),
        { numRuns: 30 },
      );
    });

    it("keeps the facts of a run through its states and fills in the log's end that is told later", async () => {
      const store = await open();
      const one = run({ dispatch: "offered" });
      await store.addRun(one);
      await store.takeReport("alpha", report(one, "running", { startedAt: 1007 }), 1008);
      expect(await store.findRun(one.runId)).toMatchObject({ dispatch: "accepted", startedAt: 1007 });
      const failure = { category: "ExitCode", summary: "s", advice: "a", logTail: ["x"] } as const;
      const end = { endedAt: 1009, exitCode: 2, failure: { ...failure, logTail: ["x"] } };
      await store.takeReport("alpha", report(one, "failed", end), 1009);
      expect(await store.findRun(one.runId)).toMatchObject({ state: "failed", startedAt: 1007, ...end });
      const log = { bytes: 3, sha256: "c".repeat(64) };
      expect(await store.takeReport("alpha", report(one, "failed", { log }), 9)).toMatchObject({ changed: true });
      expect(await store.findRun(one.runId)).toMatchObject({ ...end, logEnd: log });
      expect(await store.takeReport("alpha", report(one, "failed", { log }), 9)).toMatchObject({ changed: false });
    });

    it("takes what a queued run waits for, each time it is another thing, and forgets it when the run runs", async () => {
      const store = await open();
      const one = run({ dispatch: "accepted" });
      await store.addRun(one);
      for (const waiting of ["Unschedulable: insufficient cpu", "ContainerCreating"]) {
        expect(await store.takeReport("alpha", report(one, "queued", { waiting }), 8)).toMatchObject({ changed: true });
        expect(await store.takeReport("alpha", report(one, "queued", { waiting }), 8)).toMatchObject({
          changed: false,
        });
        expect(await store.findRun(one.runId)).toMatchObject({ state: "queued", waiting });
      }
      await store.takeReport("alpha", report(one, "running", { startedAt: 9 }), 9);
      expect(await store.findRun(one.runId)).not.toHaveProperty("waiting");
      const again = { attempt: 2, waiting: "attempt 2 in 300 s" };
      expect(await store.takeReport("alpha", report(one, "queued", again), 10)).toMatchObject({ changed: true });
      expect(await store.findRun(one.runId)).toMatchObject({ state: "queued", ...again });
    });

    it("adds a run it doesn't know only to a pipeline of the runner that reports it", async () => {
      const store = await open();
      const mine = pipeline();
      await store.addPipeline(mine, undefined);
      const scheduled = { runId: crypto.randomUUID(), pipelineId: mine.pipelineId };
      expect(await store.takeReport("beta", report(scheduled, "running"), 5)).toBeUndefined();
      expect(await store.takeReport("alpha", report({ ...scheduled, pipelineId: "?" }, "running"), 5)).toBeUndefined();
      const taken = await store.takeReport("alpha", report(scheduled, "running", { startedAt: 4 }), 5);
      expect(taken).toMatchObject({ changed: true, run: { ...scheduled, dispatch: "accepted", createdAt: 4 } });
      expect(await store.takeReport("beta", report(scheduled, "failed"), 5)).toBeUndefined();
      expect(await store.findRun(scheduled.runId)).toMatchObject({ state: "running", runnerId: "alpha" });
    });
  });

  describe("logs", () => {
    it("is the same log for every chunking, repetition and overlap", async () => {
      const store = await open();
      const grapheme = fc.constantFrom("a", "\n", "é", "漢", "😀", "\u0000", "\u0301");
      const scenario = fc.record({
        characters: fc.array(grapheme, { minLength: 1, maxLength: 40 }),
        cuts: fc.array(fc.tuple(fc.nat(40), fc.nat(8)), { maxLength: 20 }),
        pageBytes: fc.integer({ min: 1, max: 12 }),
      });
      await fc.assert(
        fc.asyncProperty(scenario, async ({ characters, cuts, pageBytes }) => {
          const one = run();
          await store.addRun(one);
          const whole = characters.join("");
          const send = async (from: number, to: number): Promise<void> => {
            const offset = bytes(characters.slice(0, from).join(""));
            await store.appendLog(one.runId, offset, characters.slice(from, to).join(""));
          };
          let sent = 0;
          for (const [at, length] of cuts) {
            // Anywhere up to the end of what is there, so overlaps and repeats but no gaps.
            const from = Math.min(at, sent);
            const to = Math.min(from + length, characters.length);
            await send(from, to);
            sent = Math.max(sent, to);
          }
          await send(sent, characters.length);
          expect(await store.logDigest(one.runId)).toEqual({ bytes: bytes(whole), sha256: sha256Hex(whole) });
          expect(await store.findRun(one.runId)).toMatchObject({ logBytes: bytes(whole), logGaps: [] });
          let read = "";
          for (let offset = 0; offset < bytes(whole); ) {
            const page = await store.readLog(one.runId, offset, pageBytes);
            expect(page.nextOffset - offset).toBe(bytes(page.text));
            expect(page.text).not.toContain("\ufffd");
            expect(page.nextOffset).toBeGreaterThan(offset);
            read += page.text;
            offset = page.nextOffset;
          }
          expect(read).toBe(whole);
        }),
        { numRuns: 60 },
      );
    });

    it("marks what is missing, keeps later offsets true, and never fills a gap that was told", async () => {
      const store = await open();
      const one = run();
      await store.addRun(one);
      await store.appendLog(one.runId, 0, "first\n");
      await store.appendLog(one.runId, 100, "second\n");
      await store.appendLog(one.runId, 6, "late\n");
      await store.appendLog(one.runId, 98, "xxsecond\nthird\n");
      const found = await store.findRun(one.runId);
      expect(found).toMatchObject({ logBytes: 113, logGaps: [[6, 94]] });
      expect((await store.listRuns({ limit: 1 }))[0]?.logGaps).toEqual([[6, 94]]);
      expect(await store.readLog(one.runId, 0, 1000)).toEqual({
        text: "first\n\n[gap: 94 bytes of log are missing here]\nsecond\nthird\n",
        nextOffset: 113,
      });
      expect((await store.readLog(one.runId, 50, 1000)).text).toContain("[gap: 50 bytes");
      expect(await store.readLog(one.runId, 100, 1000)).toEqual({ text: "second\nthird\n", nextOffset: 113 });
      const there = "first\nsecond\nthird\n";
      expect(await store.logDigest(one.runId)).toEqual({ bytes: there.length, sha256: sha256Hex(there) });
    });

    it("takes pieces of many logs at once, and tells which of them have their told length", async () => {
      const store = await open();
      const [one, other] = [run(), run()];
      await store.addRun(one);
      await store.addRun(other);
      const log = { bytes: 6, sha256: sha256Hex("abcdef") };
      const end = { runId: one.runId, pipelineId: one.pipelineId, attempt: 1, state: "success" as const, log };
      await store.takeReport(one.runnerId, end, 1);
      const whole = await store.appendLogs([
        { runId: one.runId, offset: 0, text: "abc" },
        { runId: other.runId, offset: 0, text: "other" },
        { runId: "unknown", offset: 0, text: "x" },
        { runId: one.runId, offset: 2, text: "cdef" },
      ]);
      expect(whole).toEqual([one.runId]);
      expect((await store.readLog(one.runId, 0, 100)).text).toBe("abcdef");
      expect((await store.readLog(other.runId, 0, 100)).text).toBe("other");
    });

    it("keeps in mind where a log is held back, until it goes on without a gap", async () => {
      const store = await open();
      const one = run();
      await store.addRun(one);
      await store.appendLogs([
        { runId: one.runId, offset: 0, text: "head\n" },
        { runId: one.runId, offset: 5, text: "", held: true },
      ]);
      expect(await store.findRun(one.runId)).toMatchObject({ logBytes: 5, logHeldAt: 5, logGaps: [] });
      await store.appendLog(one.runId, 5, "more\n");
      expect((await store.findRun(one.runId))?.logHeldAt).toBeUndefined();
      await store.appendLogs([{ runId: one.runId, offset: 10, text: "", held: true }]);
      await store.appendLog(one.runId, 110, "tail\n");
      expect(await store.findRun(one.runId)).toMatchObject({ logBytes: 115, logHeldAt: 10, logGaps: [[10, 100]] });
      const { text } = await store.readLog(one.runId, 0, 1000);
      expect(text).toContain("100 bytes of log are not shown here. Nothing is wrong with the run");
      expect(text).toContain(`hybrid-runner logs ${one.runId}`);
    });

    it("drops a log that shall come again, once", async () => {
      const store = await open();
      const one = run();
      await store.addRun(one);
      await store.appendLog(one.runId, 0, "wrong");
      expect(await store.restartLog(one.runId)).toBe(true);
      expect(await store.findRun(one.runId)).toMatchObject({ logBytes: 0, logGaps: [] });
      await store.appendLog(one.runId, 0, "right");
      expect(await store.restartLog(one.runId)).toBe(false);
      expect((await store.readLog(one.runId, 0, 100)).text).toBe("right");
    });

    it("never splits a character, even where an overlap ends inside of one", async () => {
      const store = await open();
      const one = run();
      await store.addRun(one);
      await store.appendLog(one.runId, 0, "ab");
      // A runner whose text changed under it: byte 2 is in the middle of this character.
      await store.appendLog(one.runId, 1, "漢x");
      expect((await store.findRun(one.runId))?.logGaps).toEqual([[2, 2]]);
      expect(await store.readLog(one.runId, 4, 10)).toEqual({ text: "x", nextOffset: 5 });
    });

    it("reads nothing behind the end, of an empty log and of an unknown run", async () => {
      const store = await open();
      const one = run();
      await store.addRun(one);
      await store.appendLog(one.runId, 0, "abc");
      await store.appendLog("unknown", 0, "abc");
      expect(await store.readLog(one.runId, 9, 10)).toEqual({ text: "", nextOffset: 3 });
      expect(await store.readLog("unknown", 0, 10)).toEqual({ text: "", nextOffset: 0 });
      expect((await store.logDigest("unknown")).bytes).toBe(0);
    });
  });

  it("fails with StoreUnavailable after it was closed", async () => {
    const store = await open();
    await store.close();
    await store.close();
    await expect(store.listRunners()).rejects.toMatchObject({ code: "StoreUnavailable" });
  });
}
