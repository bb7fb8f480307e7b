import { describe, expect, it } from "vitest";
import { silentLog } from "../../../src/base/log.ts";
import { createEventHub } from "../../../src/gateway/sessions/events.ts";
import { Flights } from "../../../src/gateway/sessions/flights.ts";
import { Inbox } from "../../../src/gateway/sessions/inbox.ts";
import { compareRuns } from "../../../src/gateway/sessions/reconcile.ts";
import { settleWaiting } from "../../../src/gateway/sessions/settle.ts";
import { FakeClock } from "../../fakes/clock.ts";
import { eventually } from "../../fakes/eventually.ts";
import { run } from "../store/records.ts";

describe("compareRuns", () => {
  it("sorts every kind of difference and leaves the rest alone", () => {
    const offeredAway = run({ dispatch: "offered" });
    const acceptedAway = run({ dispatch: "accepted", state: "running" });
    const waiting = run();
    const offeredThere = run({ dispatch: "offered" });
    const behind = run({ dispatch: "accepted" });
    const same = run({ dispatch: "accepted", state: "running" });
    const zombie = run({ state: "stopped", stopRequested: true });
    const failedHere = run({ state: "failed" });
    const unknown = run();
    const there = (one: typeof waiting, state: "queued" | "running") => ({ ...one, attempt: 1, state });
    const known = [offeredThere, behind, same, zombie, failedHere];
    const difference = compareRuns(
      [offeredAway, acceptedAway, waiting, offeredThere, behind, same],
      [
        there(offeredThere, "queued"),
        there(behind, "running"),
        there(same, "running"),
        there(zombie, "running"),
        there(failedHere, "running"),
        there(unknown, "queued"),
      ],
      new Map(known.map((one) => [one.runId, one])),
    );
    expect(difference).toEqual({
      waitAgain: [offeredAway.runId],
      accepted: [offeredThere.runId],
      doubtful: [acceptedAway.runId, behind.runId, unknown.runId],
      toStop: [zombie.runId],
    });
  });
});

describe("settleWaiting", () => {
  const gone = async () => ({ text: "runner alpha is away" });

  it("ends only runs that were never offered: on request, or behind their deadline", async () => {
    const late = { startDeadline: 10 };
    expect(await settleWaiting(run(late), 10, gone)).toBeUndefined();
    expect(await settleWaiting(run(late), 11, gone)).toMatchObject({
      state: "failed",
      failure: { category: "StartTimeout", detail: expect.stringContaining("runner alpha is away") },
    });
    expect(await settleWaiting(run({ ...late, stopRequested: true }), 11, gone)).toMatchObject({ state: "stopped" });
    for (const dispatch of ["offered", "accepted"] as const) {
      expect(await settleWaiting(run({ ...late, dispatch, stopRequested: true }), 11, gone)).toBeUndefined();
    }
    expect(await settleWaiting(run({ ...late, state: "stopped" }), 11, gone)).toBeUndefined();
  });

  it("ends a run by what kept it, when that was more than being late", async () => {
    const quota = async () => ({ text: "exceeded quota", category: "Quota", advice: "raise it" }) as const;
    expect((await settleWaiting(run({ startDeadline: 10 }), 11, quota))?.failure).toMatchObject({
      category: "Quota",
      detail: expect.stringContaining("exceeded quota"),
      advice: "raise it",
    });
  });
});

describe("Inbox", () => {
  it("handles texts one at a time in order, and stops the flow while many wait", async () => {
    const gate = Promise.withResolvers<void>();
    const handled: string[] = [];
    const flow: boolean[] = [];
    let atOnce = 0;
    const inbox = new Inbox({
      handle: async (text) => {
        expect(++atOnce).toBe(1);
        await gate.promise;
        handled.push(text);
        atOnce--;
      },
      onFailure: (error) => expect.fail(String(error)),
      setFlowing: (flowing) => void flow.push(flowing),
    });
    const texts = Array.from({ length: 200 }, (_, index) => `text ${index}`);
    for (const text of texts) inbox.push(text);
    expect(flow).toEqual([false]);
    gate.resolve();
    await inbox.idle();
    expect(handled).toEqual(texts);
    expect(flow).toEqual([false, true]);
  });

  it("handles nothing behind a failure, which is told once", async () => {
    const handled: string[] = [];
    const failures: unknown[] = [];
    const inbox = new Inbox({
      handle: async (text) => {
        handled.push(text);
        throw new Error(text);
      },
      onFailure: (error) => void failures.push(error),
      setFlowing: () => undefined,
    });
    for (const text of ["a", "b"]) inbox.push(text);
    await inbox.idle();
    inbox.push("c");
    await inbox.idle();
    expect(handled).toEqual(["a"]);
    expect(failures).toHaveLength(1);
  });
});

describe("Flights", () => {
  it("has one task a key and a limit together, and wakes when one is done", async () => {
    const clock = new FakeClock();
    let wakes = 0;
    const flights = new Flights(
      clock,
      2,
      () => wakes++,
      () => undefined,
    );
    const gate = Promise.withResolvers<"done">();
    expect(flights.launch("a", () => gate.promise)).toBe(true);
    expect(flights.launch("a", () => gate.promise)).toBe(false);
    expect(flights.launch("b", () => gate.promise)).toBe(true);
    expect(flights.launch("c", () => gate.promise)).toBe(false);
    gate.resolve("done");
    await flights.idle();
    expect([flights.has("a"), wakes]).toEqual([false, 2]);
    expect(flights.launch("a", async () => "done")).toBe(true);
  });

  it("holds a task back ever longer after it failed or asked for later, and forgets that when it is done", async () => {
    const clock = new FakeClock();
    const errors: string[] = [];
    const flights = new Flights(
      clock,
      2,
      () => undefined,
      (key) => void errors.push(key),
    );
    const waits: number[] = [];
    for (let round = 0; round < 6; round++) {
      await eventually(() => {
        const task = async (): Promise<"later"> => {
          if (round % 2 === 0) throw new Error("no");
          return "later";
        };
        expect(flights.launch("a", task)).toBe(true);
      });
      await flights.idle();
      let waited = 0;
      while (clock.waiting > 0) {
        await clock.advance(100);
        waited += 100;
      }
      waits.push(waited);
    }
    expect(errors).toEqual(["a", "a", "a"]);
    expect(waits).toEqual([...waits].sort((left, right) => left - right));
    expect(waits.at(-1)).toBeGreaterThan((waits[0] ?? 0) * 4);
  });
});

describe("event hub", () => {
  it("refuses listeners beyond its limit and goes on when one throws", () => {
    const hub = createEventHub<number>("numbers", silentLog, 2);
    const heard: number[] = [];
    hub.listen(() => {
      throw new Error("no");
    });
    const leave = hub.listen((event) => void heard.push(event));
    expect(() => hub.listen(() => undefined)).toThrow("2 listen already");
    hub.emit(1);
    leave();
    hub.emit(2);
    expect(heard).toEqual([1]);
    hub.listen(() => undefined);
  });
});
