import { expect, test } from "vitest";
import { CodedError } from "../../src/base/errors.ts";
import type { Executor } from "../../src/executor/executor.ts";
import { KUBERNETES_EXECUTOR_ERRORS } from "../../src/executor/pods/errors.ts";
import { VERDICT_MS } from "../../src/runs/late-starts.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { type OpenRuns, openRuns, order } from "./open-runs.ts";

const LATE = { outcome: "refused", reason: "storage", message: expect.stringContaining("still being made") };

/** Runs whose starts wait for `go`; how often the executor was asked. */
async function slowRuns(): Promise<
  OpenRuns & { clock: FakeClock; asked: () => number; answer: () => void; fail: (error: Error) => void }
> {
  const clock = new FakeClock(Date.now());
  let asked = 0;
  let gate = Promise.withResolvers<void>();
  const slow = (real: Executor): Executor => {
    const start: Executor["start"] = async (spec) => {
      asked++;
      await gate.promise;
      return real.start(spec);
    };
    return Object.assign(Object.create(real) as Executor, {
      start,
      list: () => real.list(),
      observe: (runId: string, signal: AbortSignal) => real.observe(runId, signal),
      readLog: (runId: string, offset: number, limit: number) => real.readLog(runId, offset, limit),
      release: (runId: string) => real.release(runId),
      close: () => real.close(),
    });
  };
  const fail = (error: Error): void => {
    gate.reject(error);
    gate = Promise.withResolvers<void>();
  };
  return {
    ...(await openRuns({ clock, executor: slow })),
    clock,
    asked: () => asked,
    answer: () => gate.resolve(),
    fail,
  };
}

test("a start that takes longer than a verdict may is told to be under way, is made once, and is told by an update", async () => {
  const { runs, clock, asked, answer, states, go } = await slowRuns();
  const wish = order();
  const first = runs.start(wish, 0);
  await eventually(() => expect(asked()).toBe(1));
  await clock.advance(VERDICT_MS);
  expect(await first).toMatchObject(LATE);
  // The gateway offers it again and again.
  const second = runs.start(wish, 0);
  await clock.advance(VERDICT_MS);
  expect(await second).toMatchObject(LATE);
  expect(runs.hasRoom() && runs.liveRunOf(wish.pipelineId)).toBe(wish.runId);
  answer();
  await eventually(() => expect(states(wish.runId)).toContain("queued"));
  expect(await runs.start(wish, 0)).toMatchObject({ outcome: "duplicate", run: { runId: wish.runId } });
  expect(asked()).toBe(1);
  await go();
});

test("whoever asks again is told what came of it, without a second start", async () => {
  const { runs, clock, asked, answer, states, go } = await slowRuns();
  const wish = order();
  const first = runs.start(wish, 0);
  await eventually(() => expect(asked()).toBe(1));
  await clock.advance(VERDICT_MS);
  expect(await first).toMatchObject(LATE);
  const second = runs.start(wish, 0);
  answer();
  expect(await second).toMatchObject({ outcome: "accepted" });
  expect(states(wish.runId)).not.toContain("queued");
  expect(asked()).toBe(1);
  await go();
});

test("a refusal that comes too late is the answer to the next offer, with its category; the one after that begins anew", async () => {
  const { runs, clock, asked, fail } = await slowRuns();
  const wish = order();
  const first = runs.start(wish, 0);
  await eventually(() => expect(asked()).toBe(1));
  await clock.advance(VERDICT_MS);
  expect(await first).toMatchObject(LATE);
  fail(
    new CodedError(KUBERNETES_EXECUTOR_ERRORS.RunNotAdmitted, "Cannot start it: a webhook is away", {
      facts: { category: "Admission" },
    }),
  );
  await eventually(() => expect(runs.liveRunOf(wish.pipelineId)).toBeUndefined());
  expect(await runs.start(wish, 0)).toMatchObject({
    outcome: "refused",
    category: "Admission",
    message: expect.stringContaining("a webhook is away"),
  });
  expect(asked()).toBe(1);
  const third = runs.start(wish, 0);
  await eventually(() => expect(asked()).toBe(2));
  fail(new Error("over"));
  await third;
});
