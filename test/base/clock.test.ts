import { expect, onTestFinished, test, vi } from "vitest";
import { limitSignal, sleep, systemClock, withLimit } from "../../src/base/clock.ts";
import { FakeClock } from "../fakes/clock.ts";

test("sleep ends when its time has come and not before", async () => {
  const clock = new FakeClock();
  let awake = false;
  const asleep = sleep(clock, 1000).then(() => {
    awake = true;
  });
  await clock.advance(999);
  expect(awake).toBe(false);
  await clock.advance(1);
  await asleep;
  expect(awake).toBe(true);
});

test("sleep rejects with the signal's reason and leaves no timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const asleep = sleep(clock, 1000, controller.signal);
  controller.abort(new Error("enough"));
  await expect(asleep).rejects.toThrow("enough");
  expect(clock.waiting).toBe(0);
  await expect(sleep(clock, 1, controller.signal)).rejects.toThrow("enough");
});

test("withLimit passes results through and fails late work with the given error", async () => {
  const clock = new FakeClock();
  await expect(withLimit(clock, 10, Promise.resolve(7), () => new Error("late"))).resolves.toBe(7);
  const late = expect(withLimit(clock, 10, new Promise(() => undefined), () => new Error("late"))).rejects.toThrow(
    "late",
  );
  await clock.advance(10);
  await late;
  expect(clock.waiting).toBe(0);
});

test("systemClock runs and cancels tasks", async () => {
  const ran = await new Promise((resolve) => systemClock.schedule(1, () => resolve("ran")));
  let cancelled = true;
  systemClock.schedule(1, () => {
    cancelled = false;
  })();
  await sleep(systemClock, 20);
  expect([ran, cancelled]).toEqual(["ran", true]);
});

test("systemClock keeps a delay that is longer than the runtime's timers", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const day = 86_400_000;
  let ran = 0;
  systemClock.schedule(365 * day, () => ran++);
  const cancel = systemClock.schedule(365 * day, () => ran++);
  vi.advanceTimersByTime(365 * day - 1);
  expect(ran).toBe(0);
  cancel();
  vi.advanceTimersByTime(1);
  expect(ran).toBe(1);
  expect(vi.getTimerCount()).toBe(0);
});

test("limitSignal aborts when its time is over", async () => {
  const clock = new FakeClock();
  const signal = limitSignal(clock, 500);
  await clock.advance(499);
  expect(signal.aborted).toBe(false);
  await clock.advance(1);
  expect(signal.reason).toMatchObject({ name: "TimeoutError" });
});
