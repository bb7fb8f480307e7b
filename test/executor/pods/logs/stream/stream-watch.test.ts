import { expect, test } from "vitest";
import { NOTHING_READ } from "../../../../../src/executor/pods/logs/stream/log-intake.ts";
import { StreamWatch } from "../../../../../src/executor/pods/logs/stream/stream-watch.ts";
import { FakeClock } from "../../../../fakes/clock.ts";

interface State {
  /** Time of the last line in the spool, and of what the node says when it is asked. */
  last: string;
  nodeFirst: string;
  nodeLast: string;
  crowded?: boolean;
  over?: "partly" | "whole";
}

function at(second: number): string {
  return new Date(Date.parse("2026-01-01T00:00:00Z") + second * 1000).toISOString().replace("Z", "000000Z");
}

/** A watch over a stream that is read; `follows` false: over one that is caught up with, of the file that begins at second 1. */
function watchOver(
  state: State,
  follows = true,
): { readonly watch: StreamWatch; readonly clock: FakeClock; readonly asked: string[] } {
  const clock = new FakeClock(Date.parse("2026-01-01T00:00:10Z"));
  const asked: string[] = [];
  const watch = new StreamWatch(
    {
      clock,
      crowded: () => state.crowded === true,
      position: () => ({ ...NOTHING_READ, last: state.last, newest: state.last }),
      over: () => state.over,
      hasStarted: true,
      stream: () => {
        throw new Error("a watch opens nothing");
      },
      timeOf: async (which) => {
        asked.push(which);
        return which === "first" ? state.nodeFirst : state.nodeLast;
      },
      memory: { doubted: "", leastLagMs: Number.POSITIVE_INFINITY },
      signal: new AbortController().signal,
    },
    {
      began: clock.monotonic(),
      follows,
      askedLast: false,
      isLast: follows,
      file: () => at(1),
      setCurrent: () => undefined,
    },
  );
  return { watch, clock, asked };
}

test("a program that says nothing is not taken for a stream that is behind", async () => {
  const state: State = { last: at(9), nodeFirst: at(1), nodeLast: at(9) };
  const { watch, clock, asked } = watchOver(state);
  for (let second = 0; second < 60; second++) await clock.advance(1_000);
  expect(asked.every((which) => which === "last")).toBe(true);
  expect(asked.length).toBeLessThanOrEqual(4);
  expect(watch.why).toBeUndefined();
  state.nodeLast = at(40);
  for (let second = 0; second < 20; second++) await clock.advance(1_000);
  expect(watch.why).toBe("behind");
  watch.close();
});

test("a stream whose lines grow older is behind, a silent one gives its place to others, and one whose log is whole is over", async () => {
  const late: State = { last: at(9), nodeFirst: at(1), nodeLast: at(9) };
  const behind = watchOver(late);
  for (let step = 0; step < 8; step++) {
    late.last = at(10 + step / 4);
    behind.watch.heard(100);
    await behind.clock.advance(1_000);
  }
  expect(behind.watch.why).toBe("behind");
  const silent = watchOver({ last: at(9), nodeFirst: at(1), nodeLast: at(9), crowded: true });
  for (let second = 0; second < 4; second++) await silent.clock.advance(1_000);
  expect(silent.watch.why).toBe("yielded");
  const state: State = { last: at(9), nodeFirst: at(1), nodeLast: at(9) };
  const whole = watchOver(state);
  state.over = "whole";
  whole.watch.look();
  expect(whole.watch.why).toBe("whole");
});

test("while a file is caught up with, it is looked whether the node has begun another one", async () => {
  const state: State = { last: at(9), nodeFirst: at(1), nodeLast: at(9) };
  const { watch, clock, asked } = watchOver(state, false);
  for (let second = 0; second < 6; second++) {
    watch.heard(100);
    await clock.advance(1_000);
  }
  expect(watch.why).toBeUndefined();
  expect(asked).toContain("first");
  state.nodeFirst = at(12);
  for (let second = 0; second < 4; second++) {
    watch.heard(100);
    await clock.advance(1_000);
  }
  expect(watch.why).toBe("behind");
  watch.close();
});
