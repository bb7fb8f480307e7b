import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { silentLog } from "../../src/base/log.ts";
import type { LogPiece } from "../../src/executor/executor.ts";
import { RunLogs } from "../../src/runs/run-logs.ts";
import { eventually } from "../fakes/eventually.ts";

interface World {
  text: string;
  ended: boolean;
  readonly delivered: string[];
  reads: number;
}

function openLogs(world: World, hasBegun: () => boolean = () => true): RunLogs {
  return new RunLogs({
    executor: {
      readLog: async (_runId, offset): Promise<LogPiece> => {
        world.reads++;
        const text = world.text.slice(offset);
        return { offset, text, nextOffset: offset + text.length, ended: world.ended };
      },
    },
    clock: systemClock,
    log: silentLog,
    limitBytes: 1000,
    endOf: () => (hasBegun() ? "unknown" : undefined),
    mayHaveLog: hasBegun,
    wake: () => undefined,
    onDelivered: (runId) => void world.delivered.push(runId),
  });
}

test("a log that comes after the end of its run, which didn't tell its length, is sent whole before it counts as delivered", async () => {
  const world: World = { text: "first ", ended: false, delivered: [], reads: 0 };
  const logs = openLogs(world);
  logs.start();
  try {
    logs.add("a");
    const first = await logs.next(100);
    expect(first).toEqual({ runId: "a", offset: 0, text: "first " });
    if (first !== undefined) logs.acknowledged(first);
    expect(await logs.next(100)).toBeUndefined();
    expect(world.delivered).toEqual([]);

    world.text += "last";
    world.ended = true;
    const last = await eventually(async () => {
      const chunk = await logs.next(100);
      expect(chunk).toEqual({ runId: "a", offset: 6, text: "last" });
      return chunk;
    });
    if (last !== undefined) logs.acknowledged(last);
    await eventually(async () => {
      await logs.next(100);
      expect(world.delivered).toEqual(["a"]);
    });
  } finally {
    logs.stop();
  }
});

test("the log of a run that waits for its first attempt is not asked for at every look", async () => {
  let begun = false;
  const world: World = { text: "", ended: false, delivered: [], reads: 0 };
  const logs = openLogs(world, () => begun);
  logs.start();
  try {
    logs.add("a");
    await logs.next(100);
    const readsBefore = world.reads;
    await new Promise((resolve) => setTimeout(resolve, 700));
    await logs.next(100);
    expect(world.reads).toBe(readsBefore);
    begun = true;
    world.text = "hello";
    await eventually(async () => expect((await logs.next(100))?.text).toBe("hello"));
  } finally {
    logs.stop();
  }
});
