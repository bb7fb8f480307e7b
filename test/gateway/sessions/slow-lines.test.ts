import { describe, expect, it, test } from "vitest";
import { ByteGate } from "../../../src/gateway/sessions/byte-gate.ts";
import { watchLiveness } from "../../../src/gateway/sessions/liveness.ts";
import { eventually } from "../../fakes/eventually.ts";
import { Harness } from "./sessions-harness.ts";

describe("ByteGate", () => {
  it("lets through what fits, in order, and one of any size alone", async () => {
    const gate = new ByteGate(100);
    const begun: string[] = [];
    const ends = new Map<string, () => void>();
    const work = (name: string, bytes: number): Promise<void> =>
      gate.pass(bytes, () => {
        begun.push(name);
        return new Promise((resolve) => ends.set(name, resolve));
      });
    const all = [work("a", 60), work("b", 40), work("big", 500), work("c", 1)];
    await eventually(() => expect(begun).toEqual(["a", "b"]));
    ends.get("a")?.();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(begun).toEqual(["a", "b"]);
    ends.get("b")?.();
    await eventually(() => expect(begun).toEqual(["a", "b", "big"]));
    ends.get("big")?.();
    await eventually(() => expect(begun).toEqual(["a", "b", "big", "c"]));
    ends.get("c")?.();
    await Promise.all(all);
  });

  it("goes on after work that failed", async () => {
    const gate = new ByteGate(10);
    await expect(gate.pass(10, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await gate.pass(10, async () => "yes")).toBe("yes");
  });
});

describe("verdict limit", () => {
  /** Lets so many seconds pass while the runner shows signs of life. */
  async function pass(harness: Harness, line: Awaited<ReturnType<Harness["runner"]>>, seconds: number): Promise<void> {
    for (let left = seconds; left > 0; left -= 5) {
      const up = harness.captured.length;
      line.send("heartbeat", {});
      await eventually(() => expect(harness.captured.length).toBeGreaterThan(up));
      await harness.clock.advance(Math.min(5, left) * 1000);
    }
  }

  it("is longer for what needs long on a slow line: 400 KB have 106 s, and what comes behind them too", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    line.answer = () => undefined;
    const ids = { runId: crypto.randomUUID(), pipelineId: crypto.randomUUID() };
    const large = {
      ...ids,
      generation: 1,
      attempt: 1,
      startBefore: 9e12,
      sourceConfigOverride: { x: "x".repeat(400_000) },
    };
    const answers = Promise.allSettled([
      harness.sessions.ask("alpha", { type: "run.start", body: large }),
      harness.sessions.ask("alpha", { type: "run.stop", body: { runId: ids.runId } }),
    ]);
    await pass(harness, line, 100);
    expect(line.closed).toBeUndefined();
    await pass(harness, line, 5);
    await harness.clock.advance(5_000);
    expect(await line.ended()).toMatchObject({ name: "verdictTimeout", code: 4408 });
    expect((await answers).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("is 10 s for what is small", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    line.answer = () => undefined;
    const asked = harness.sessions.ask("alpha", { type: "run.stop", body: { runId: crypto.randomUUID() } });
    const refused = expect(asked).rejects.toThrow("no verdict came in time");
    await pass(harness, line, 10);
    expect(await line.ended()).toMatchObject({ name: "verdictTimeout" });
    await refused;
  });
});

test("liveness of a gateway that stood still reads first what arrived meanwhile", () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const silentAt: number[] = [];
  const schedule = (_delayMs: number, task: () => void): (() => void) => {
    timers.push(task);
    return () => undefined;
  };
  const liveness = watchLiveness({
    clock: { now: () => now, monotonic: () => now, random: () => 0, schedule },
    heartbeatMs: 1_000_000,
    silenceMs: 25_000,
    onQuiet: () => undefined,
    onSilence: () => silentAt.push(now),
  });
  now = 300_000;
  timers[1]?.();
  expect(silentAt).toEqual([]);
  liveness.received();
  now = 301_000;
  timers[2]?.();
  expect(silentAt).toEqual([]);
  now = 326_000;
  timers[3]?.();
  expect(silentAt).toEqual([326_000]);
});
