import { describe, expect, it } from "vitest";
import type { Store } from "../../../src/gateway/store/store.ts";
import { LIMITS } from "../../../src/protocol/limits.ts";
import { eventually } from "../../fakes/eventually.ts";
import { Harness } from "./sessions-harness.ts";

describe("greeting", () => {
  it("welcomes a runner with its epoch and the intervals, and shows it as connected", async () => {
    const harness = await Harness.start();
    const line = await (await harness.dial()).greet({ ingestionVersion: "1.9" });
    expect(line.all("welcome")[0]?.body).toEqual({
      protocolVersion: 1,
      epoch: 1,
      serverTime: harness.clock.now(),
      gatewayVersion: "9.9.9",
      heartbeatSeconds: LIMITS.heartbeatSeconds,
      silenceSeconds: LIMITS.silenceSeconds,
      reconnectSpreadSeconds: 1,
    });
    expect(harness.sessions.connected().get("alpha")).toMatchObject({ epoch: 1, state: "comparing" });
    await line.compare();
    line.inStep();
    await eventually(() => expect(harness.sessions.connected().get("alpha")?.state).toBe("ready"));
    expect(await harness.store.findRunner("alpha")).toMatchObject({ installationId: "here", ingestionVersion: "1.9" });
    line.cut();
    await eventually(() => expect(harness.sessions.connected().size).toBe(0));
  });

  it("tells the server's version to a runner that knows the field, and to no other", async () => {
    const harness = await Harness.start({ serverVersion: "1.14.0" });
    const [newer, older] = [await harness.dial("newer"), await harness.dial("older")];
    await newer.greet({ protocolVersions: [2, 1] });
    await older.greet({ protocolVersions: [1] });
    expect(newer.all("welcome")[0]?.body).toMatchObject({ protocolVersion: 2, serverVersion: "1.14.0" });
    expect(older.all("welcome")[0]?.body).toMatchObject({ protocolVersion: 1 });
    expect(older.all("welcome")[0]?.body).not.toHaveProperty("serverVersion");
    const silent = await (await (await Harness.start()).dial()).greet({ protocolVersions: [2, 1] });
    expect(silent.all("welcome")[0]?.body).not.toHaveProperty("serverVersion");
  });

  it("refuses a runner without a common protocol version, even if its greeting has unknown fields", async () => {
    const harness = await Harness.start();
    for (const more of [{}, { teleport: true }]) {
      const line = await harness.dial();
      const body = { ...line.hello({ protocolVersions: [7, 3] }), ...more };
      line.sendText(JSON.stringify({ type: "hello", epoch: 0, body }));
      const end = await line.ended();
      expect(end).toMatchObject({ name: "unsupportedVersion", code: 4406 });
      expect(end.reason).toContain("7, 3");
    }
    expect(await harness.store.listRunners()).toEqual([]);
  });

  it("refuses another installation with runnerIdInUse until it is rebound", async () => {
    const harness = await Harness.start();
    const first = await (await harness.dial()).greet();
    const other = await harness.dial();
    other.send("hello", other.hello({ installationId: "elsewhere" }));
    expect(await other.ended()).toMatchObject({ name: "runnerIdInUse", code: 4403 });
    expect(first.closed).toBeUndefined();
    await harness.store.rebindRunner("alpha");
    const again = await (await harness.dial()).greet({ installationId: "elsewhere" });
    expect(again.epoch).toBe(2);
  });

  it("refuses a greeting for another runner than the upgrade's, and a token that is good for another", async () => {
    const harness = await Harness.start({ tokenRunnerId: "alpha" });
    const renamed = await harness.dial("alpha");
    renamed.send("hello", renamed.hello({ runnerId: "beta" }));
    expect(await renamed.ended()).toMatchObject({ name: "badFrame", code: 4400 });
    const foreign = await harness.dial("beta");
    foreign.send("hello", foreign.hello());
    expect(await foreign.ended()).toMatchObject({ name: "unauthorized", code: 4401 });
    expect(await harness.store.listRunners()).toEqual([]);
  });

  it("closes a socket that doesn't greet, and a session that doesn't get in step", async () => {
    const harness = await Harness.start();
    const silent = await harness.dial();
    const slow = await (await harness.dial("beta")).greet();
    await harness.clock.advance(LIMITS.greetingSeconds * 1000 + 1);
    expect(await silent.ended()).toMatchObject({ name: "verdictTimeout", code: 4408 });
    expect(slow.closed).toBeUndefined();
    for (let second = LIMITS.greetingSeconds; second < LIMITS.inStepSeconds - 10; second += 10) {
      const heard = harness.captured.length;
      slow.send("heartbeat", {});
      await eventually(() => expect(harness.captured.length).toBeGreaterThan(heard));
      await harness.clock.advance(10_000);
    }
    expect(slow.closed).toBeUndefined();
    await harness.clock.advance(10_000);
    expect(await slow.ended()).toMatchObject({ name: "verdictTimeout", code: 4408 });
  });
});

describe("two processes of one runner", () => {
  it("gives the session to the newer one and closes the older with superseded", async () => {
    const harness = await Harness.start();
    const older = await harness.runner();
    const newer = await (await harness.dial()).greet();
    expect(newer.epoch).toBe(2);
    expect(await older.ended()).toMatchObject({ name: "superseded", code: 4409 });
    expect(harness.sessions.connected().get("alpha")?.epoch).toBe(2);
    expect(newer.closed).toBeUndefined();
  });

  it("sends a standby away while another has the session, without raising the epoch, and takes it afterwards", async () => {
    const harness = await Harness.start();
    const active = await harness.runner();
    const standby = await harness.dial();
    standby.send("hello", standby.hello({ standby: true }));
    expect(await standby.ended()).toMatchObject({ name: "superseded", code: 4409 });
    expect(active.closed).toBeUndefined();
    expect((await harness.store.findRunner("alpha"))?.epoch).toBe(1);
    active.cut();
    await eventually(() => expect(harness.sessions.connected().size).toBe(0));
    const later = await (await harness.dial()).greet({ standby: true });
    expect(later.epoch).toBe(2);
  });

  it("lets the same process come back though it stands by and its old line isn't known to be dead", async () => {
    const harness = await Harness.start();
    const instanceId = crypto.randomUUID();
    await (await harness.dial()).greet({ instanceId });
    const back = await (await harness.dial()).greet({ instanceId, standby: true });
    expect(back.epoch).toBe(2);
  });

  it("doesn't let a process back in that never heard that a newer one took over, until nobody else is there", async () => {
    const harness = await Harness.start();
    const instanceId = crypto.randomUUID();
    const older = await (await harness.dial()).greet({ instanceId });
    older.cut();
    const newer = await (await harness.dial()).greet();
    const back = await harness.dial();
    back.send("hello", back.hello({ instanceId }));
    expect(await back.ended()).toMatchObject({ name: "superseded", code: 4409 });
    expect(newer.closed).toBeUndefined();
    newer.cut();
    await eventually(() => expect(harness.sessions.connected().size).toBe(0));
    const alone = await (await harness.dial()).greet({ instanceId });
    expect(alone.epoch).toBe(3);
  });

  it("leaves exactly the one with the highest epoch when many greet at once", async () => {
    const harness = await Harness.start();
    const lines = await Promise.all([1, 2, 3, 4, 5].map(() => harness.dial()));
    for (const line of lines) line.send("hello", line.hello());
    await eventually(() => expect(lines.filter((line) => line.closed === undefined)).toHaveLength(1));
    const left = lines.find((line) => line.closed === undefined);
    expect(left?.all("welcome")[0]?.body.epoch).toBe(5);
    expect(harness.sessions.connected().get("alpha")?.epoch).toBe(5);
  });

  it("keeps the newer session when the older one's claim is answered late", async () => {
    const late = Promise.withResolvers<void>();
    let claims = 0;
    const wrap = (store: Store): Store => ({
      ...store,
      claimSession: async (...input) => {
        const claim = await store.claimSession(...input);
        if (++claims === 1) await late.promise;
        return claim;
      },
    });
    const harness = await Harness.start({ wrap });
    const older = await harness.dial();
    older.send("hello", older.hello());
    await eventually(() => expect(claims).toBe(1));
    const newer = await (await harness.dial()).greet();
    late.resolve();
    expect(await older.ended()).toMatchObject({ name: "superseded", code: 4409 });
    expect(older.all("welcome")).toEqual([]);
    expect(newer.closed).toBeUndefined();
    expect(harness.sessions.connected().get("alpha")?.epoch).toBe(2);
  });
});
