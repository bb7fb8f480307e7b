import { describe, expect, it } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import type { VerdictWish } from "./line.ts";
import { Harness } from "./sessions-harness.ts";

type Refusal = Extract<VerdictWish, { outcome: "refused" }>;

/** A runner in step that answers `run.start` (or `pipeline.deploy`) by this refusal and accepts everything else. */
async function refusing(harness: Harness, refusal: Refusal, type = "run.start") {
  const line = await harness.dial();
  line.answer = (operation) => (operation.type === type ? refusal : { outcome: "accepted" });
  await line.greet();
  await line.compare();
  return line.inStep();
}

const refusal = (reason: Refusal["reason"], more: Partial<Refusal> = {}): Refusal => ({
  outcome: "refused",
  reason,
  message: `the runner's own words about ${reason}`,
  advice: "do this",
  ...more,
});

describe("a queued run always tells what it waits for", () => {
  it("its runner, which has never come, has gone, or is not in step", async () => {
    const harness = await Harness.start();
    const { runId } = await harness.waitingRun(await harness.pipeline());
    expect(await harness.waitsFor(runId)).toBe(
      "runner alpha is not known here: it has never connected, or was removed",
    );
    const line = await harness.dial();
    await line.greet();
    await eventually(async () => expect(await harness.waitsFor(runId)).toContain("is not in step yet"));
    line.cut();
    await eventually(async () =>
      expect(await harness.waitsFor(runId)).toMatch(/^runner alpha is away since \d{4}-\d\d-\d\dT[\d:.]+Z$/),
    );
  });

  it("another run of its pipeline, by its id; a free place, by their number; its pipeline, by its generation", async () => {
    const harness = await Harness.start();
    const [one, two] = [await harness.pipeline(), await harness.pipeline()];
    const first = await harness.waitingRun(one);
    const second = await harness.waitingRun(one);
    const third = await harness.waitingRun(two);
    const line = await harness.dial();
    await line.greet({ maxConcurrentRuns: 1 });
    await line.compare();
    line.inStep();
    await eventually(async () => {
      expect((await harness.find(first.runId)).dispatch).toBe("accepted");
      expect(await harness.waitsFor(second.runId)).toBe(
        `run ${first.runId} of its pipeline is live, and runs of one pipeline don't overlap`,
      );
      expect(await harness.waitsFor(third.runId)).toBe("the runner has no free place: 1 of 1 are taken");
    });
    expect(await harness.waitsFor(first.runId)).toBe("the runner has taken it and starts it");
  });

  it.each([
    refusal("storage"),
    refusal("storage", { category: "Quota" }),
    refusal("draining"),
    refusal("standby"),
    refusal("full"),
    refusal("tooLate"),
    refusal("unknownPipeline"),
    refusal("staleGeneration"),
  ])("what its runner said when it would not take it: $reason $category", async (refused) => {
    const harness = await Harness.start();
    const { runId } = await harness.waitingRun(await harness.pipeline());
    const line = await refusing(harness, refused);
    await line.next("run.start");
    await eventually(async () => expect(await harness.waitsFor(runId)).toContain(refused.message));
    if (refused.category !== undefined) expect(await harness.waitsFor(runId)).toContain(refused.category);
    const { category, message, advice } = refused;
    const kept = { message, advice, ...(category === undefined ? {} : { category }) };
    expect((await harness.find(runId)).refusal).toEqual(kept);
  });

  it("what its runner said when it would not take its pipeline", async () => {
    const harness = await Harness.start();
    const { runId } = await harness.waitingRun(await harness.pipeline());
    const line = await refusing(harness, refusal("storage", { category: "Admission" }), "pipeline.deploy");
    await line.next("pipeline.deploy");
    await eventually(async () => expect(await harness.waitsFor(runId)).toContain("words about storage"));
    expect(await harness.waitsFor(runId)).toContain("Admission");
  });

  it("the answer of its runner, and what was said before a runner went away", async () => {
    const harness = await Harness.start();
    const { runId } = await harness.waitingRun(await harness.pipeline());
    const line = await harness.dial();
    line.answer = (operation) => (operation.type === "run.start" ? undefined : { outcome: "accepted" });
    await line.greet();
    await line.compare();
    line.inStep();
    await line.next("run.start");
    expect(await harness.waitsFor(runId)).toBe("it is offered to the runner, which has not answered yet");
    line.cut();
    const second = await refusing(harness, refusal("storage"));
    await second.next("run.start");
    await eventually(async () => expect(await harness.waitsFor(runId)).toContain("words about storage"));
    // Offered again, it waits for what was told before until there is another answer.
    second.answer = (operation) => (operation.type === "run.start" ? undefined : { outcome: "accepted" });
    await eventually(async () => {
      if (second.all("run.start").length < 2) await harness.clock.advance(500);
      expect(await harness.waitsFor(runId)).toMatch(
        /^it is offered to the runner again, .*; before that, .*words about storage/,
      );
    });
    second.cut();
    await eventually(async () =>
      expect(await harness.waitsFor(runId)).toMatch(/away since .*; before that, .*words about storage/),
    );
  });

  it("and forgets a refusal once the run is accepted", async () => {
    const harness = await Harness.start();
    const { runId } = await harness.waitingRun(await harness.pipeline());
    const line = await refusing(harness, refusal("storage"));
    await line.next("run.start");
    await eventually(async () => expect((await harness.find(runId)).refusal).toBeDefined());
    line.answer = () => ({ outcome: "accepted" });
    await harness.clock.advance(61_000);
    await eventually(async () => expect((await harness.find(runId)).dispatch).toBe("accepted"));
    expect((await harness.find(runId)).refusal).toBeUndefined();
  });
});

describe("a run that was never started fails by what it waited for last", () => {
  it("under the category of the refusal, with the runner's words and its advice", async () => {
    const harness = await Harness.start();
    const startDeadline = harness.clock.now() + 20_000;
    const { runId } = await harness.waitingRun(await harness.pipeline(), { startDeadline });
    const line = await refusing(harness, refusal("storage", { category: "Quota" }));
    await line.next("run.start");
    await eventually(async () => expect((await harness.find(runId)).refusal).toBeDefined());
    await harness.clock.advance(32_000);
    await eventually(async () => expect((await harness.find(runId)).state).toBe("failed"));
    const { failure } = await harness.find(runId);
    expect(failure).toMatchObject({ category: "Quota", advice: "do this" });
    expect(failure?.detail).toContain("the runner's own words about storage");
  });

  it("as StartTimeout that names the absence, when its runner was away", async () => {
    const harness = await Harness.start();
    const startDeadline = harness.clock.now() + 20_000;
    const { runId } = await harness.waitingRun(await harness.pipeline(), { startDeadline });
    await harness.clock.advance(32_000);
    await eventually(async () => expect((await harness.find(runId)).failure?.category).toBe("StartTimeout"));
    expect((await harness.find(runId)).failure?.detail).toContain("it has never connected, or was removed");
  });
});
