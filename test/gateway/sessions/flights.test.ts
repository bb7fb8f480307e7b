import { expect, test } from "vitest";
import { Flights } from "../../../src/gateway/sessions/flights.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { eventually } from "../../fakes/eventually.ts";

test("flights bring many queued tasks through their few places with few wake-ups, each once", async () => {
  let wakes = 0;
  const flights = new Flights(
    new FakeClock(),
    4,
    () => wakes++,
    () => undefined,
  );
  const ran: string[] = [];
  let together = 0;
  let most = 0;
  const task = (key: string) => async () => {
    most = Math.max(most, ++together);
    await Promise.resolve();
    ran.push(key);
    together--;
    return "done" as const;
  };
  const keys = Array.from({ length: 250 }, (_, index) => `deploy ${index}`);
  flights.launchAll(keys.map((key) => [key, task(key)]));
  await eventually(() => expect(ran).toHaveLength(250));
  await flights.idle();
  expect([...ran].sort()).toEqual([...keys].sort());
  expect(most).toBe(4);
  expect(wakes).toBeGreaterThanOrEqual(1);
  expect(wakes).toBeLessThanOrEqual(8);
});

test("flights forget what was queued when another list takes its place, and when they close", async () => {
  const flights = new Flights(
    new FakeClock(),
    1,
    () => undefined,
    () => undefined,
  );
  const gate = Promise.withResolvers<void>();
  const ran: string[] = [];
  const task = (key: string) => async () => {
    ran.push(key);
    await gate.promise;
    return "done" as const;
  };
  flights.launchAll([
    ["a", task("a")],
    ["old", task("old")],
  ]);
  flights.launchAll([["b", task("b")]]);
  gate.resolve();
  await eventually(() => expect(ran).toEqual(["a", "b"]));
  flights.close();
  flights.launchAll([["c", task("c")]]);
  await flights.idle();
  expect(ran).toEqual(["a", "b"]);
});
