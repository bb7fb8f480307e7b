import { describe, expect, it } from "vitest";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { eventually } from "../../fakes/eventually.ts";
import { Harness } from "./sessions-harness.ts";

const frame = (type: string, body: unknown, epoch = 1): string => JSON.stringify({ type, epoch, body });

describe("frames a session refuses", () => {
  it.each([
    ["text that is not JSON", "{oops", "badFrame", 4400, "not JSON"],
    ["an unknown type", frame("teleport", {}), "badFrame", 4400, "unknown message type"],
    ["an unknown field", frame("fetch", { pipelineId: crypto.randomUUID(), more: 1 }), "badFrame", 4400, "fetch"],
    ["a message of the other direction", frame("ack", { seq: 1 }), "badFrame", 4400, "doesn't travel up"],
    ["an epoch that isn't the session's", frame("heartbeat", {}, 7), "staleEpoch", 4425, "epoch 7"],
    ["a second hello", "hello", "badFrame", 4400, "hello"],
    ["inStep before the inventory", frame("inStep", { fetched: 0, deleted: 0, orphans: [] }), "badFrame", 4400, ""],
  ])("closes after %s", async (_, text, name, code, reason) => {
    const harness = await Harness.start();
    const line = await (await harness.dial()).greet();
    line.sendText(text === "hello" ? frame("hello", line.hello()) : text);
    const end = await line.ended();
    expect(end).toMatchObject({ name, code });
    expect(end.reason).toContain(reason);
    expect(harness.sessions.connected().size).toBe(0);
  });

  it("closes when anything comes before hello", async () => {
    const harness = await Harness.start();
    const line = await harness.dial();
    line.sendText(frame("heartbeat", {}, 0));
    expect(await line.ended()).toMatchObject({ name: "badFrame", code: 4400 });
  });

  it("closes after a frame that is too large", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    line.sendText("x".repeat(LIMITS.maxFrameBytes + 1));
    await eventually(() => expect(line.closed?.code).toBe(4413));
    await eventually(() => expect(harness.sessions.connected().size).toBe(0));
  });

  it("closes after an update whose number is not the next one", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    const body = { runId: crypto.randomUUID(), offset: 0, text: "x" };
    line.send("run.log", body, 2);
    expect(await line.ended()).toMatchObject({ name: "badFrame", code: 4400 });
    expect(line.acknowledged).toBe(0);
  });

  it("never repeats a value of a bad frame in its answer", async () => {
    const harness = await Harness.start();
    const line = await (await harness.dial()).greet();
    line.sendText(frame("fetch", { pipelineId: "a-secret-token" }));
    expect((await line.ended()).reason).not.toContain("secret");
  });

  it("stores nothing that comes behind the frame it closes after", async () => {
    const harness = await Harness.start();
    const pipeline = await harness.pipeline();
    const run = await harness.waitingRun(pipeline);
    const line = await harness.runner();
    line.answer = () => undefined;
    line.sendText("{oops");
    line.update("run.log", { runId: run.runId, offset: 0, text: "late" });
    await line.ended();
    expect((await harness.find(run.runId)).logBytes).toBe(0);
  });
});

describe("liveness", () => {
  it("sends heartbeats into silence and closes a runner that is silent for too long", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    await harness.clock.advance(LIMITS.heartbeatSeconds * 1000 + 1);
    await line.next("heartbeat");
    expect(line.closed).toBeUndefined();
    await harness.clock.advance(LIMITS.silenceSeconds * 1000);
    expect(await line.ended()).toMatchObject({ name: "silence", code: 4504 });
  });

  it("counts any byte as a sign of life, and notes when the runner was last seen", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    for (let round = 0; round < 6; round++) {
      const up = harness.captured.length;
      line.send("heartbeat", {});
      await eventually(() => expect(harness.captured.length).toBeGreaterThan(up));
      await harness.clock.advance(12_000);
    }
    expect(line.closed).toBeUndefined();
    await eventually(async () => {
      const runner = await harness.store.findRunner("alpha");
      expect(harness.clock.now() - (runner?.lastSeenAt ?? 0)).toBeLessThan(16_000);
    });
  });
});

describe("capture", () => {
  it("has the exact text of every frame, in both directions", async () => {
    const harness = await Harness.start();
    const line = await harness.runner();
    const text = frame("heartbeat", {}, line.epoch);
    line.sendText(text);
    await eventually(() => expect(harness.captured).toContain(`up ${text}`));
    const welcome = JSON.stringify(line.all("welcome")[0]);
    expect(harness.captured.map((one) => one.replace(/^down /, ""))).toContain(welcome);
  });
});

describe("the gateway's end", () => {
  it("tells every runner goingAway and takes no more", async () => {
    const harness = await Harness.start();
    const [one, two] = [await harness.runner({}, "alpha"), await harness.runner({}, "beta")];
    await harness.sessions.close();
    expect(await one.ended()).toMatchObject({ name: "goingAway", code: 1001 });
    expect(await two.ended()).toMatchObject({ name: "goingAway", code: 1001 });
    const late = await harness.dial();
    expect(await late.ended()).toMatchObject({ name: "goingAway", code: 1001 });
  });
});
