import { expect, test } from "vitest";
import { Sweeper } from "../../src/base/sweeper.ts";
import { FakeClock } from "../fakes/clock.ts";

/** Ids and the moments at which they are due. */
function sweeping(moments: ReadonlyMap<string, number>) {
  const clock = new FakeClock();
  const left = new Map(moments);
  const removed: string[] = [];
  const broken = new Set<string>();
  const sweeper = new Sweeper({
    clock,
    due: () => [...left].flatMap(([id, at]) => (at <= clock.monotonic() ? [id] : [])),
    remove: async (id) => {
      removed.push(id);
      if (!broken.has(id)) left.delete(id);
    },
    untilNext: () => (left.size === 0 ? undefined : Math.min(...left.values()) - clock.monotonic()),
  });
  return { clock, left, removed, broken, sweeper };
}

test("a sweeper removes what is due now, and the rest when its time has come", async () => {
  const { clock, removed, sweeper } = sweeping(
    new Map([
      ["now", 0],
      ["soon", 5_000],
      ["later", 60_000],
    ]),
  );
  await sweeper.sweep();
  expect(removed).toEqual(["now"]);
  await clock.advance(5_000);
  expect(removed).toEqual(["now", "soon"]);
  await clock.advance(60_000);
  expect(removed).toEqual(["now", "soon", "later"]);
  expect(clock.waiting).toBe(0);
});

test("what couldn't be removed is tried again, no oftener than once a second, and not after the close", async () => {
  const { clock, removed, broken, sweeper } = sweeping(new Map([["stuck", 0]]));
  broken.add("stuck");
  await sweeper.sweep();
  await clock.advance(900);
  expect(removed).toHaveLength(1);
  await clock.advance(100);
  expect(removed).toHaveLength(2);
  await sweeper.close();
  expect(clock.waiting).toBe(0);
  await clock.advance(10_000);
  expect(removed).toHaveLength(2);
});

test("whoever asks during a sweep gets one more", async () => {
  const { left, removed, sweeper } = sweeping(new Map([["one", 0]]));
  const first = sweeper.sweep();
  left.set("two", 0);
  await Promise.all([first, sweeper.sweep()]);
  expect(removed).toEqual(["one", "two"]);
});
