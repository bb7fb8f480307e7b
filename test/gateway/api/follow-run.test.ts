import { expect, onTestFinished, test } from "vitest";
import { followRun, type RunEventSink } from "../../../src/gateway/api/follow-run.ts";
import { createLogProofs } from "../../../src/gateway/api/log-proof.ts";
import { runView } from "../../../src/gateway/api/run-view.ts";
import type { RunRecord } from "../../../src/gateway/store/store.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { eventually } from "../../fakes/eventually.ts";
import { openTestData } from "../auth/open-test-store.ts";

type Event = Parameters<RunEventSink["send"]>[0];

/** A run as it is shown; what it waits for is none of these tests' business. */
const viewOf = (run: RunRecord) => runView(run, { waitingReason: async () => ({ text: "its turn" }) });

/** Follows a run of a real store on a clock that the test moves. */
async function setUp(more: Partial<RunRecord> = {}) {
  const clock = new FakeClock();
  const { store } = await openTestData(clock);
  const run: RunRecord = {
    runId: crypto.randomUUID(),
    pipelineId: crypto.randomUUID(),
    runnerId: "alpha",
    attempt: 1,
    state: "running",
    dispatch: "accepted",
    stopRequested: false,
    createdAt: clock.now(),
    startDeadline: clock.now(),
    logBytes: 0,
    logGaps: [],
    ...more,
  };
  await store.addRun(run);
  const events: Event[] = [];
  let heartbeats = 0;
  /** Resolves when the reader has taken the event. */
  let take: () => Promise<void> = async () => undefined;
  const listeners = new Set<() => void>();
  const sink: RunEventSink = {
    send: async (event) => {
      events.push(event);
      await take();
    },
    heartbeat: async () => {
      heartbeats++;
    },
  };
  const stop = new AbortController();
  const following = followRun({
    store,
    runId: run.runId,
    after: 0,
    sink,
    signal: stop.signal,
    clock,
    proofOf: createLogProofs(store),
    viewOf,
    feed: {
      subscribe: (_, changed) => {
        listeners.add(changed);
        return () => listeners.delete(changed);
      },
    },
  });
  onTestFinished(async () => {
    stop.abort();
    await following;
  });
  const change = (): void => {
    for (const changed of listeners) changed();
  };
  return {
    ...{ clock, store, run, events, stop, following, listeners, change },
    heartbeats: () => heartbeats,
    setTake: (next: () => Promise<void>) => {
      take = next;
    },
  };
}

test("followRun says every 15 seconds that it is still there, and stops waiting when told to", async () => {
  const { clock, events, stop, following, listeners, heartbeats } = await setUp();
  await eventually(() => expect([events.length, clock.waiting]).toEqual([1, 1]));
  await clock.advance(14_999);
  expect(heartbeats()).toBe(0);
  await clock.advance(1);
  await eventually(() => expect([heartbeats(), clock.waiting]).toEqual([1, 1]));
  await clock.advance(15_000);
  await eventually(() => expect(heartbeats()).toBe(2));
  stop.abort();
  await following;
  expect(listeners.size).toBe(0);
  expect(events.map(({ name }) => name)).toEqual(["run"]);
});

test("followRun waits 30 seconds after the end for a log that stays incomplete, then tells so", async () => {
  const logEnd = { bytes: 100, sha256: "0".repeat(64) };
  const { clock, events, following } = await setUp({ state: "success", logEnd });
  for (let second = 0; second < 29; second++) {
    await eventually(() => expect(clock.waiting).toBe(1));
    await clock.advance(1_000);
  }
  expect(events.map(({ name }) => name)).toEqual([]);
  await eventually(() => expect(clock.waiting).toBe(1));
  await clock.advance(1_000);
  await following;
  expect(events.map(({ name }) => name)).toEqual(["run", "end"]);
  expect(events.at(-1)).toMatchObject({ name: "end", data: { complete: false, verified: false, nextOffset: 0 } });
});

test("followRun hands over one event at a time, so a reader that takes nothing piles up nothing", async () => {
  const { store, run, events, setTake, change } = await setUp();
  await eventually(() => expect(events).toHaveLength(1));
  let takeIt: () => void = () => undefined;
  setTake(() => new Promise((resolve) => (takeIt = resolve)));
  const piece = `${"x".repeat(63)}\n`.repeat(1000);
  for (let count = 0; count < 5; count++) {
    await store.appendLog(run.runId, count * piece.length, piece);
    change();
  }
  await eventually(() => expect(events).toHaveLength(2));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(events).toHaveLength(2);
  setTake(async () => undefined);
  takeIt();
  const texts = (): string => events.flatMap(({ data }) => ("text" in data ? [data.text] : [])).join("");
  await eventually(() => expect(texts().length).toBe(5 * piece.length));
  for (const { data } of events) expect(JSON.stringify(data).length).toBeLessThan(150_000);
});

test("followRun ends quietly when the run is gone", async () => {
  const clock = new FakeClock();
  const { store } = await openTestData(clock);
  const events: Event[] = [];
  const sink: RunEventSink = { send: async (event) => void events.push(event), heartbeat: async () => undefined };
  const feed = { subscribe: () => () => undefined };
  const { signal } = new AbortController();
  const proofOf = createLogProofs(store);
  await followRun({ store, runId: crypto.randomUUID(), after: 0, sink, signal, clock, proofOf, feed, viewOf });
  expect(events).toEqual([]);
});

test("followRun tells once that the rest of a long log waits for the run's end, as a line that moves no offset", async () => {
  const { store, run, events, change } = await setUp();
  const logs = (): unknown[] => events.filter(({ name }) => name === "log").map(({ data }) => data);
  await store.appendLogs([
    { runId: run.runId, offset: 0, text: "head\n" },
    { runId: run.runId, offset: 5, text: "", held: true },
  ]);
  change();
  await eventually(() => expect(logs()).toHaveLength(2));
  expect(logs()[1]).toMatchObject({ offset: 5, nextOffset: 5, text: expect.stringContaining("the run goes on") });
  await store.appendLog(run.runId, 905, "tail\n");
  change();
  await eventually(() => expect(logs()).toHaveLength(3));
  expect(logs()[2]).toMatchObject({ offset: 5, nextOffset: 910 });
  expect(JSON.stringify(logs()[2])).toContain("900 bytes of log are not shown here");
});
