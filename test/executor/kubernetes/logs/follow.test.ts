import { expect, test } from "vitest";
import { type FollowEnd, followLog, type StreamMemory } from "../../../../src/executor/kubernetes/logs/follow.ts";
import { NOTHING_READ } from "../../../../src/executor/kubernetes/logs/log-intake.ts";
import { FakeClock } from "../../../fakes/clock.ts";

/** A stream that lasts until it is left; `state` is what the spool has, and what the node says when it is asked. */
function openStream(state: { last: string; nodeFirst: string; nodeLast: string; crowded?: boolean }): {
  readonly clock: FakeClock;
  readonly end: Promise<FollowEnd>;
  readonly asked: string[];
  readonly hear: () => void;
} {
  const clock = new FakeClock(Date.parse("2026-01-01T00:00:10Z"));
  const asked: string[] = [];
  const memory: StreamMemory = { doubted: "", leastLagMs: Number.POSITIVE_INFINITY };
  let hear = (): void => undefined;
  const followed = followLog({
    clock,
    crowded: () => state.crowded === true,
    position: () => ({ ...NOTHING_READ, last: state.last, newest: state.last }),
    read: async ({ signal, onBytes }) => {
      hear = onBytes;
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      return { bytes: 1, found: true, words: "", rest: { text: new Uint8Array(0), bytes: 0 } };
    },
    timeOf: async (which) => {
      asked.push(which);
      return which === "first" ? state.nodeFirst : state.nodeLast;
    },
    memory,
  });
  return { clock, end: followed.then(({ end }) => end), asked, hear: () => hear() };
}

function at(second: number): string {
  return new Date(Date.parse("2026-01-01T00:00:00Z") + second * 1000).toISOString().replace("Z", "000000Z");
}

async function stillOpen(end: Promise<FollowEnd>): Promise<boolean> {
  return (await Promise.race([end, Promise.resolve("open")])) === "open";
}

test("a stream that falls behind the program is left when reading without following leaves nothing out, and only then", async () => {
  const state = { last: at(10), nodeFirst: at(60), nodeLast: at(70) };
  const { clock, end, asked, hear } = openStream(state);
  for (let second = 11; second < 14; second++) {
    state.last = at(second);
    hear();
    await clock.advance(1_000);
  }
  expect(asked).toEqual([]);
  for (let step = 1; step < 8; step++) {
    state.last = at(13 + step / 4);
    hear();
    await clock.advance(1_000);
  }
  expect(asked).toContain("first");
  expect(await stillOpen(end)).toBe(true);
  state.nodeFirst = at(1);
  state.last = at(15);
  hear();
  await clock.advance(1_000);
  expect(await end).toBe("behind");
});

test("a program that says nothing is not taken for a stream that is behind", async () => {
  const state = { last: at(9), nodeFirst: at(1), nodeLast: at(9) };
  const { clock, end, asked } = openStream(state);
  await clock.advance(60_000);
  expect(asked.every((which) => which === "last")).toBe(true);
  expect(asked.length).toBeLessThanOrEqual(4);
  expect(await stillOpen(end)).toBe(true);
  state.nodeLast = at(40);
  await clock.advance(20_000);
  expect(await end).toBe("behind");
});

test("a silent stream gives its place to others soon", async () => {
  const state = { last: at(9), nodeFirst: at(1), nodeLast: at(9), crowded: true };
  const { clock, end } = openStream(state);
  await clock.advance(4_000);
  expect(await end).toBe("yielded");
});
