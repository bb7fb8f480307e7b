import { expect, test } from "vitest";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway, type GatewaySession } from "../fakes/gateway.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { id, report, startRunner, type TestRunner } from "./runner.ts";

/** Lets time pass in small steps, with room for real input and output between them. */
async function pass(clock: FakeClock, ms: number): Promise<void> {
  for (let left = ms; left > 0; left -= 1_000) {
    await clock.advance(Math.min(left, 1_000));
    await new Promise((resolve) => setTimeout(resolve, 4));
  }
}

async function inStep(): Promise<{
  gateway: FakeGateway;
  runner: TestRunner;
  session: GatewaySession;
  clock: FakeClock;
}> {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({}, { clock });
  const runner = startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("inStep");
  await eventually(() => expect(runner.connection.status().state).toBe("ready"));
  return { gateway, runner, session, clock };
}

test("connection closes a silent session after 25 s although TCP is healthy, and dials again", async () => {
  const { gateway, runner, session, clock } = await inStep();
  await pass(clock, 24_000);
  expect(runner.connection.status().state).toBe("ready");
  expect(runner.connection.stats().silentMs).toBe(24_000);
  await pass(clock, 1_000);
  await eventually(() => expect(session.closed?.code).toBe(4504));
  expect(session.of("close")[0]?.body.name).toBe("silence");
  await pass(clock, 1_000);
  await (await gateway.session(1)).expect("inStep");
});

test("connection sends a heartbeat after 10 s without anything else, and lives on those of the gateway", async () => {
  const { runner, session, clock } = await inStep();
  for (let second = 0; second < 120; second += 5) {
    session.send("heartbeat", {});
    await pass(clock, 5_000);
  }
  expect(runner.connection.status().state).toBe("ready");
  const { length } = session.of("heartbeat");
  expect(length).toBeGreaterThanOrEqual(11);
  expect(length).toBeLessThanOrEqual(12);
  expect(session.closed).toBeUndefined();
});

test("connection redials and sends again what a line swallowed without FIN", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({}, { clock });
  const proxy = await TcpProxy.start(gateway.port);
  const { connection, side } = startRunner({ url: `ws://127.0.0.1:${proxy.port}`, clock });
  await (await gateway.session(0)).expect("inStep");
  await eventually(() => expect(connection.status().state).toBe("ready"));
  proxy.swallow();
  connection.put(report(1, "success"));
  await pass(clock, 20_000);
  expect(gateway.reports).toEqual([]);
  await pass(clock, 7_000);
  const second = await gateway.session(1);
  expect((await second.expect("run.update")).seq).toBe(1);
  await eventually(() => expect(side.acknowledgedReports).toEqual([report(1, "success")]));
});

test("connection redials at once after a reset, with backoff while nothing listens", async () => {
  const gateway = await FakeGateway.start();
  const proxy = await TcpProxy.start(gateway.port);
  const { connection } = startRunner({ url: `ws://127.0.0.1:${proxy.port}` });
  await (await gateway.session(0)).expect("inStep");
  proxy.accepts = false;
  proxy.cut();
  await eventually(() => expect(connection.stats().dials).toBeGreaterThanOrEqual(2));
  expect(connection.status().reason).toBe("disconnected");
  proxy.accepts = true;
  await (await gateway.session(1)).expect("inStep");
});

test.each<[string, (session: GatewaySession) => void, number, string]>([
  ["text that is not JSON", (session) => session.socket.send("{nonsense"), 4400, "badFrame"],
  ["an unknown type", (session) => session.socket.send('{"type":"dance","epoch":1,"body":{}}'), 4400, "badFrame"],
  [
    "a message that travels the other way",
    (session) => session.socket.send('{"type":"fetch","epoch":1,"body":{"pipelineId":"x"}}'),
    4400,
    "badFrame",
  ],
  [
    "an unknown field",
    (session) => session.socket.send('{"type":"heartbeat","epoch":1,"body":{"x":1}}'),
    4400,
    "badFrame",
  ],
  ["an acknowledgement of what was never sent", (session) => session.send("ack", { seq: 7 }), 4400, "badFrame"],
  ["cursors after the comparison", (session) => session.send("logCursors", { runs: [] }), 4400, "badFrame"],
  [
    "more wanted pages than announced",
    (session) => session.send("wanted", { pipelines: [], tombstones: [], last: true }),
    4400,
    "badFrame",
  ],
  [
    "a second welcome",
    (session) =>
      session.send("welcome", {
        protocolVersion: 1,
        epoch: 2,
        serverTime: 1,
        gatewayVersion: "x",
        heartbeatSeconds: 10,
        silenceSeconds: 25,
      }),
    4400,
    "badFrame",
  ],
  ["another epoch", (session) => session.send("heartbeat", {}, 2), 4425, "staleEpoch"],
])("connection closes on %s", async (_what, act, code, name) => {
  const { runner, session } = await inStep();
  act(session);
  await eventually(() => expect(session.closed?.code).toBe(code));
  expect(session.of("close")[0]?.body.name).toBe(name);
  expect(runner.connection.status()).toMatchObject({ state: "waiting", reason: name });
});

test("connection closes on a frame over the limit with 4413", async () => {
  const { runner, session } = await inStep();
  session.socket.send("x".repeat(1_048_577));
  await eventually(() => expect(session.closed?.code).toBe(4413));
  await eventually(() => expect(runner.connection.status().reason).toBe("frameTooLarge"));
});

test("connection closes when hello gets no answer in 10 s", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ welcomes: false }, { clock });
  startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("hello");
  await pass(clock, 10_000);
  await eventually(() => expect(session.closed?.code).toBe(4408));
  expect(session.of("heartbeat")).toEqual([]);
});

test("connection closes when the states are not compared within 60 s", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ answersInventory: false }, { clock });
  startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("inventory");
  for (let second = 0; second < 60; second += 10) {
    expect(session.closed).toBeUndefined();
    session.send("heartbeat", {});
    await pass(clock, 10_000);
  }
  await eventually(() => expect(session.closed?.code).toBe(4408));
});

test("connection obeys a frame before welcome only if it is welcome or close", async () => {
  const gateway = await FakeGateway.start({ welcomes: false });
  startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("hello");
  session.send("service.status", { operationId: id(1) }, 0);
  await eventually(() => expect(session.closed?.code).toBe(4400));
});

test("connection starts its delays anew only after a stable minute", async () => {
  const clock = new FakeClock(undefined, () => 0.999);
  const gateway = await FakeGateway.start({}, { clock });
  const { connection, lines } = startRunner({ url: gateway.url, clock });
  const delays = (): number[] => lines.flatMap((line) => (line["retryInSeconds"] as number | undefined) ?? []);
  for (let round = 0; round < 4; round++) {
    const session = await gateway.session(round);
    await session.expect("inStep");
    await eventually(() => expect(connection.status().state).toBe("ready"));
    for (let second = 0; second < (round === 3 ? 60 : 10); second += 10) {
      session.send("heartbeat", {});
      await pass(clock, 10_000);
    }
    session.socket.terminate();
    await eventually(() => expect(connection.status().state).toBe("waiting"));
    await clock.advance(8_000);
  }
  expect(delays()).toEqual([1, 2, 4, 1]);
});

test.each([
  ["heartbeatSeconds", "9007199254740991"],
  ["heartbeatSeconds", "61"],
  ["silenceSeconds", "9007199254740991"],
  ["silenceSeconds", "0"],
  ["serverTime", "9007199254740991"],
  ["epoch", "9007199254740991"],
  ["reconnectSpreadSeconds", "1e308"],
])("connection refuses a welcome whose %s is %s and dials again", async (name, value) => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ welcomes: false }, { clock });
  const { connection } = startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("hello");
  const fields = { serverTime: 1, gatewayVersion: "x", heartbeatSeconds: 10, silenceSeconds: 25, [name]: "@" };
  const welcome = { type: "welcome", epoch: 1, body: { protocolVersion: 1, epoch: 1, ...fields } };
  session.socket.send(JSON.stringify(welcome).replace('"@"', value));
  await eventually(() => expect(session.closed?.code).toBe(4400));
  expect(session.of("close")[0]?.body.reason).toContain(name);
  gateway.script.welcomes = true;
  while (gateway.sessions.length < 2) await pass(clock, 1_000);
  await (await gateway.session(1)).expect("inStep");
  await eventually(() => expect(connection.status().state).toBe("ready"));
});

test("connection outlives a silence limit that is shorter than the heartbeats it is told to expect", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ welcome: { heartbeatSeconds: 60, silenceSeconds: 2 } }, { clock });
  const { connection } = startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("inStep");
  await pass(clock, 59_000);
  session.send("heartbeat", {});
  await pass(clock, 59_000);
  expect(connection.status().state).toBe("ready");
  expect(session.of("heartbeat")).toHaveLength(1);
  await pass(clock, 62_000);
  await eventually(() => expect(session.closed?.code).toBe(4504));
});
