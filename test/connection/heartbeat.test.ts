import { expect, test } from "vitest";
import { Heartbeat } from "../../src/connection/heartbeat.ts";
import { FakeClock } from "../fakes/clock.ts";

function watched(clock: FakeClock): { heartbeat: Heartbeat; sentAt: number[]; silentAt: number[] } {
  const sentAt: number[] = [];
  const silentAt: number[] = [];
  const heartbeat = new Heartbeat({
    clock,
    intervalMs: 10_000,
    silenceMs: 25_000,
    send: () => sentAt.push(clock.monotonic()),
    onSilence: () => silentAt.push(clock.monotonic()),
  });
  return { heartbeat, sentAt, silentAt };
}

test("Heartbeat is sent only when nothing else was for the interval", async () => {
  const clock = new FakeClock();
  const { heartbeat, sentAt } = watched(clock);
  await clock.advance(8_000);
  heartbeat.sent();
  await clock.advance(9_999);
  expect(sentAt).toEqual([]);
  await clock.advance(20_001);
  expect(sentAt).toEqual([18_000, 28_000, 38_000]);
  heartbeat.stop();
  expect(clock.waiting).toBe(0);
});

test("Heartbeat tells silence once, 25 s after the last byte", async () => {
  const clock = new FakeClock();
  const { heartbeat, silentAt } = watched(clock);
  await clock.advance(20_000);
  heartbeat.alive();
  await clock.advance(24_999);
  expect(silentAt).toEqual([]);
  await clock.advance(60_000);
  expect(silentAt).toEqual([45_000]);
  heartbeat.stop();
});

test("Heartbeat of a process that stood still reads first what arrived meanwhile", () => {
  let now = 0;
  const timers: (() => void)[] = [];
  const silent: number[] = [];
  const clock = {
    now: () => now,
    monotonic: () => now,
    random: () => 0,
    schedule: (_delayMs: number, task: () => void) => {
      timers.push(task);
      return () => undefined;
    },
  };
  const heartbeat = new Heartbeat({
    clock,
    intervalMs: 1_000_000,
    silenceMs: 25_000,
    send: () => undefined,
    onSilence: () => silent.push(now),
  });
  now = 300_000;
  timers[1]?.();
  expect(silent).toEqual([]);
  heartbeat.alive();
  now = 301_000;
  timers[2]?.();
  expect(silent).toEqual([]);
  now = 326_000;
  timers[3]?.();
  expect(silent).toEqual([326_000]);
});
