import { expect, it } from "vitest";
import { CATALOGUE } from "../../../src/protocol/catalogue.ts";
import type { MessageType, RunReport } from "../../../src/protocol/messages.ts";
import { eventually } from "../../fakes/eventually.ts";
import { report } from "../store/records.ts";
import type { Line, VerdictWish } from "./line.ts";
import { Harness } from "./sessions-harness.ts";

/** What belongs to runner beta. */
interface Foreign {
  readonly pipelineId: string;
  readonly deletedId: string;
  readonly runId: string;
  /** Of beta's run, as a report that would be news. */
  readonly ended: RunReport;
}

const hash = "e".repeat(64);

/** What runner alpha does with each upward message to reach what is beta's; a new message has to say it here. */
const ATTEMPTS: Readonly<
  Record<string, ((line: Line, foreign: Foreign, harness: Harness) => Promise<void>) | "names no id">
> = {
  heartbeat: "names no id",
  close: "names no id",
  hello: async (_line, _foreign, harness) => {
    const other = await harness.dial();
    other.send("hello", { ...other.hello(), runnerId: "beta" });
    expect((await other.ended()).name).toBe("badFrame");
  },
  inventory: async (_line, { pipelineId, deletedId, runId }, harness) => {
    const own = await harness.pipeline();
    await harness.runner({
      pipelines: [own.pipelineId, pipelineId, deletedId].map((id) => ({ pipelineId: id, generation: 900_000, hash })),
      runs: [
        { runId, pipelineId, attempt: 9, state: "success" },
        { runId: crypto.randomUUID(), pipelineId, attempt: 1, state: "running" },
      ],
    });
    expect((await harness.store.findPipeline(own.pipelineId))?.generation).toBe(900_001);
  },
  inStep: async (line, { pipelineId }, harness) => {
    line.inStep([{ pipelineId, generation: 1, hash }]);
    await harness.clock.advance(16_000);
  },
  fetch: async (line, { pipelineId, deletedId }, harness) => {
    line.send("fetch", { pipelineId });
    line.send("fetch", { pipelineId: deletedId });
    await harness.clock.advance(16_000);
  },
  verdict: async (line, { ended, pipelineId }, harness) => {
    const verdicts: VerdictWish[] = [
      { outcome: "accepted", run: ended },
      { outcome: "duplicate", run: ended },
      { outcome: "answered", answer: { kind: "runStatus", run: ended } },
      { outcome: "refused", reason: "staleGeneration", message: pipelineId, advice: "" },
    ];
    for (const verdict of verdicts) {
      line.answer = () => verdict;
      const own = await harness.pipeline();
      const runs = [
        await harness.waitingRun(own),
        await harness.waitingRun(own, { dispatch: "accepted", stopRequested: true }),
      ];
      harness.sessions.wake("alpha");
      await harness.clock.advance(16_000);
      expect(line.frames.some((frame) => JSON.stringify(frame).includes(runs[1]?.runId ?? ""))).toBe(true);
      line.send("verdict", { ...verdict, operationId: crypto.randomUUID() } as never);
    }
  },
  "run.update": async (line, { ended, pipelineId }) => {
    line.update("run.update", ended);
    line.update("run.update", { ...ended, attempt: 2 });
    line.update("run.update", { ...ended, runId: crypto.randomUUID(), pipelineId });
  },
  "run.log": async (line, { runId }) => {
    line.update("run.log", { runId, offset: 0, text: "forged" });
    line.update("run.log", { runId, offset: 4, text: "forged and longer than what is there" });
  },
};

const upward = Object.entries(CATALOGUE).filter(([, { direction }]) => direction !== "down");

it.each(upward.map(([type]) => type))("%s of one runner reaches nothing of another runner's", async (type) => {
  const harness = await Harness.start();
  const one = await harness.pipeline({ runnerId: "beta", hash: "9".repeat(64) });
  const deleted = await harness.pipeline({ runnerId: "beta" });
  await harness.store.changePipeline(deleted.pipelineId, 1, { deletedAt: 2, updatedAt: 2 });
  const run = await harness.waitingRun(one, { runnerId: "beta", dispatch: "accepted" });
  await harness.store.takeReport("beta", report(run, "running", { startedAt: 5 }), 5);
  await harness.store.appendLog(run.runId, 0, "beta's log");
  const seen = async (): Promise<unknown> => [
    await harness.store.listPipelines({ runnerId: "beta", includeDeleted: true }),
    await harness.store.listRuns({ runnerId: "beta", limit: 50 }),
    await harness.store.readLog(run.runId, 0, 1000),
    await harness.store.wanted("beta"),
    await harness.store.findRunner("beta"),
  ];
  const before = await seen();

  const line = await harness.runner();
  const attempt = ATTEMPTS[type as MessageType];
  expect(attempt, `what alpha may try with ${type}`).toBeDefined();
  if (attempt === undefined || attempt === "names no id") return;
  const foreign = {
    pipelineId: one.pipelineId,
    deletedId: deleted.pipelineId,
    runId: run.runId,
    ended: report(run, "success", { endedAt: 9, proof: "forged" }),
  };
  await attempt(line, foreign, harness);
  // Everything before it is done when a report is acknowledged.
  if (line.closed === undefined) {
    const last = line.update(
      "run.update",
      report({ runId: crypto.randomUUID(), pipelineId: one.pipelineId }, "queued"),
    );
    await eventually(() => expect(line.acknowledged).toBe(last));
  }
  expect(await seen()).toEqual(before);
  for (const id of [foreign.pipelineId, foreign.deletedId, foreign.runId, one.hash, "beta's log"]) {
    expect(
      harness.captured.some((text) => text.startsWith("down") && text.includes(id)),
      id,
    ).toBe(false);
  }

  const others = await harness.runner({}, "beta");
  await harness.store.changePipeline(one.pipelineId, 1, { enabled: false, updatedAt: 3 });
  harness.sessions.wake("beta");
  await others.next("pipeline.deploy", ({ body }) => body.pipeline.generation === 2);
});
