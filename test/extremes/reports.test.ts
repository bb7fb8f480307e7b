import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { createLog } from "../../src/base/log.ts";
import { Sensitive } from "../../src/base/sensitive.ts";
import { openSqliteStore } from "../../src/gateway/store/sqlite-store.ts";
import { BOUNDS } from "../../src/protocol/bounds.ts";
import { isTerminal, RUN_STATES } from "../../src/protocol/run-state.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { pipeline, report, run } from "../gateway/store/records.ts";

const SEED = 20_261_129;
const DAY = 86_400_000;
/** The pipeline was made, the run ordered, and the reports come then. */
const [MADE, ORDERED, NOW] = [BOUNDS.timestamp.least + 1000 * DAY, 1001 * DAY, 1002 * DAY];

async function open() {
  const lines: string[] = [];
  const log = createLog({ clock: systemClock, level: "debug", format: "text", write: (line) => void lines.push(line) });
  const path = join(await temporaryDirectory(), "gateway.sqlite");
  const key = new Sensitive(new Uint8Array(32).fill(7));
  const store = await openSqliteStore({ path, key, clock: systemClock, log });
  onTestFinished(() => store.close());
  const made = pipeline({ createdAt: MADE });
  await store.addPipeline(made, undefined);
  return { store, lines, pipelineId: made.pipelineId };
}

test("whatever times a runner tells of a run, ordered or not, it began after it was asked for, ended after it began, and not in the future", async () => {
  const { store, pipelineId } = await open();
  const { least, most } = BOUNDS.timestamp;
  const ends = [least, MADE - 1, MADE, ORDERED - 1, ORDERED, ORDERED + 1, NOW - 1, NOW, NOW + 1, most];
  const time = fc.option(fc.constantFrom(...ends), { nil: undefined });
  const told = fc.record({
    state: fc.constantFrom(...RUN_STATES),
    attempt: fc.constantFrom(1, 2),
    startedAt: time,
    endedAt: time,
  });
  const property = fc.asyncProperty(
    fc.boolean(),
    fc.array(told, { minLength: 1, maxLength: 4 }),
    async (isOrdered, all) => {
      const one = run({ pipelineId, createdAt: ORDERED, startDeadline: ORDERED + DAY });
      if (isOrdered) await store.addRun(one);
      for (const [at, { state, attempt, startedAt, endedAt }] of all.entries()) {
        const times = {
          ...(startedAt === undefined ? {} : { startedAt }),
          ...(endedAt === undefined ? {} : { endedAt }),
        };
        await store.takeReport("alpha", report(one, state, { attempt, ...times }), NOW + at);
        const kept = await store.findRun(one.runId);
        // Nothing is lost of a report but what can't be.
        expect(kept).toBeDefined();
        const least = isOrdered ? ORDERED : MADE;
        const order = [least, kept?.startedAt, kept?.endedAt, NOW + at].filter((moment) => moment !== undefined);
        expect(order).toEqual([...order].sort((a, b) => a - b));
        if (kept !== undefined && !isTerminal(kept.state)) expect(kept.endedAt).toBeUndefined();
      }
    },
  );
  await fc.assert(property, { seed: SEED, numRuns: 150, endOnFailure: true });
});

test("a runner whose clock is wrong is told once in the log, and one that is seconds off isn't", async () => {
  const { store, lines, pipelineId } = await open();
  const said = (): string[] => lines.filter((line) => line.includes("its clock is wrong"));
  for (const [startedAt, times] of [
    [ORDERED - 2000, 0],
    [0, 1],
    [BOUNDS.timestamp.most, 1],
  ] as const) {
    const one = run({ pipelineId, createdAt: ORDERED, startDeadline: ORDERED + DAY });
    await store.addRun(one);
    await store.takeReport("alpha", report(one, "running", { startedAt }), NOW);
    expect(said()).toHaveLength(times);
  }
  expect(said()[0]).toContain("alpha");
});

test("what has not ended has neither an end nor an exit code, whatever is told of it", async () => {
  const { store, pipelineId } = await open();
  for (const state of ["queued", "running"] as const) {
    const one = run({ pipelineId, createdAt: ORDERED, startDeadline: ORDERED + DAY });
    await store.addRun(one);
    await store.takeReport("alpha", report(one, state, { endedAt: NOW, exitCode: 7 }), NOW);
    const kept = await store.findRun(one.runId);
    expect([kept?.state, kept?.endedAt, kept?.exitCode]).toEqual([state, undefined, undefined]);
    await store.takeReport("alpha", report(one, "failed", { endedAt: NOW, exitCode: 7 }), NOW);
    expect(await store.findRun(one.runId)).toMatchObject({ state: "failed", endedAt: NOW, exitCode: 7 });
  }
});
