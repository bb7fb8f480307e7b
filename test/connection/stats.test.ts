import { expect, test } from "vitest";
import { Sensitive } from "../../src/base/sensitive.ts";
import { endingByCode, RetryPlan } from "../../src/connection/retry.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { id, startRunner } from "./runner.ts";

test("connection counts dials, reconnects by reason and verdicts by outcome, and knows the clock's offset", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ welcome: { serverTime: clock.now() + 90_000 } }, { clock });
  const told: [string, string, number][] = [];
  const { connection, side } = startRunner({
    url: gateway.url,
    clock,
    onOperation: (type, outcome, tookMs) => told.push([type, outcome, tookMs]),
  });
  expect(connection.stats()).toMatchObject({ dials: 1, clockOffsetMs: undefined });
  const session = await gateway.session(0);
  await session.expect("inStep");
  expect(connection.stats().clockOffsetMs).toBe(90_000);
  const gate = Promise.withResolvers<void>();
  side.onOperate = async () => {
    await gate.promise;
    return { outcome: "accepted" };
  };
  session.send("service.status", { operationId: id(1) });
  await eventually(() => expect(side.operations).toHaveLength(1));
  await clock.advance(7);
  gate.resolve();
  await session.expect("verdict");
  expect(told).toEqual([["service.status", "accepted", 7]]);
  session.socket.terminate();
  await eventually(() => expect(connection.status().state).toBe("waiting"));
  await clock.advance(1_000);
  await (await gateway.session(1)).expect("inStep");
  gateway.sessions[1]?.closeBy("goingAway");
  await eventually(() => expect(connection.status().reason).toBe("goingAway"));
  const { dials, reconnects, verdicts } = connection.stats();
  expect(dials).toBe(2);
  expect([...reconnects]).toEqual([
    ["disconnected", 1],
    ["goingAway", 1],
  ]);
  expect([...verdicts]).toEqual([["accepted", 1]]);
});

test("RetryPlan spreads the return of a large fleet over the time that the gateway named", () => {
  const plan = new RetryPlan(new FakeClock(0, () => 0.999_999), 0);
  const broken = endingByCode(1006, "");
  plan.spreadOver(25);
  expect([0, 1, 2].map(() => Math.round(plan.delayAfter(broken, 0) / 1000))).toEqual([25, 50, 60]);
  plan.spreadOver(1);
  expect(Math.round(plan.delayAfter(broken, 60_000) / 1000)).toBe(1);
});

test.each(["welcome", "heartbeat"] as const)("connection spreads its return as %s says", async (type) => {
  const clock = new FakeClock(undefined, () => 0.5);
  const gateway = await FakeGateway.start({}, { clock });
  if (type === "welcome") gateway.script.welcome = { reconnectSpreadSeconds: 40 };
  const { connection, lines } = startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("inStep");
  if (type === "heartbeat") session.send("heartbeat", { reconnectSpreadSeconds: 40 });
  // Behind the heartbeat on the same line, so it has been read when this is answered.
  session.send("service.status", { operationId: id(1) });
  await session.expect("verdict");
  session.socket.terminate();
  await eventually(() => expect(connection.status().state).toBe("waiting"));
  expect(lines.at(-1)).toMatchObject({ retryInSeconds: 20 });
});

test("connection whose token is refused dials soon after there is another one, and not before", async () => {
  const clock = new FakeClock();
  let token = "revoked";
  const gateway = await FakeGateway.start(
    {
      refuse: ({ headers }) =>
        headers.authorization === "Bearer fresh" ? undefined : { status: 401, body: { code: "unauthorized" } },
    },
    { clock },
  );
  const { connection } = startRunner({ url: gateway.url, clock, token: async () => new Sensitive(token) });
  await eventually(() => expect(connection.status()).toMatchObject({ state: "waiting", reason: "unauthorized" }));
  await clock.advance(50_000);
  expect(gateway.dials).toHaveLength(1);
  token = "fresh";
  await clock.advance(10_000);
  await (await gateway.session(0)).expect("inStep");
  expect(gateway.dials).toHaveLength(2);
});
