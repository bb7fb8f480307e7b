import { expect, test } from "vitest";
import { CodedError } from "../../src/base/errors.ts";
import { CONNECTION_ERRORS } from "../../src/connection/errors.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway, type GatewayScript } from "../fakes/gateway.ts";
import { startRunner, type TestRunner } from "./runner.ts";

async function refused(
  refusal: ReturnType<GatewayScript["refuse"]>,
): Promise<{ runner: TestRunner; gateway: FakeGateway; clock: FakeClock; line: Record<string, unknown> }> {
  const clock = new FakeClock(Date.now());
  const gateway = await FakeGateway.start(
    { refuse: (_request, dial) => (dial === 0 ? refusal : undefined) },
    { clock },
  );
  const runner = startRunner({ url: gateway.url, clock });
  const line = await eventually(() => {
    const found = runner.lines.find(({ reason }) => reason !== undefined);
    if (found === undefined) throw new Error("nothing is logged yet");
    return found;
  });
  return { runner, gateway, clock, line };
}

test("connection is slow, loud and alive when its token is refused, and takes a new one up", async () => {
  const { runner, gateway, clock, line } = await refused({ status: 401, body: { code: "unauthorized" } });
  expect(line).toMatchObject({ level: "error", reason: "unauthorized" });
  expect(String(line["next"])).toContain("token");
  expect(runner.connection.status()).toMatchObject({ state: "waiting", reason: "unauthorized" });
  await clock.advance(59_000);
  expect(gateway.dials).toHaveLength(1);
  await clock.advance(32_000);
  await (await gateway.session(0)).expect("inStep");
  await eventually(() => expect(runner.connection.status()).toEqual({ state: "ready", epoch: 1 }));
  expect(JSON.stringify(runner.lines)).not.toContain("token-of-the-test");
});

test("connection names the clock when a token is refused and the clocks are 10 minutes apart", async () => {
  const date = new Date(Date.now() + 600_000).toUTCString();
  const { line } = await refused({ status: 401, body: { code: "unauthorized" }, headers: { Date: date } });
  expect(line["found"]).toMatch(/clock is (599|600|601) s behind the server's/);
});

test.each([
  [429, "tooMany", "error"],
  [503, "goingAway", "warn"],
])("connection waits at least as long as Retry-After of %i says", async (status, reason, level) => {
  const { gateway, clock, line } = await refused({ status, body: {}, headers: { "Retry-After": "130" } });
  expect(line).toMatchObject({ level, reason });
  await clock.advance(129_000);
  expect(gateway.dials).toHaveLength(1);
  await clock.advance(7_000);
  await (await gateway.session(0)).expect("inStep");
});

test.each([502, 404, 302])("connection treats status %i of something in between as a broken line", async (status) => {
  const { gateway, clock, line } = await refused({ status, body: {} });
  expect(line).toMatchObject({ level: "warn", reason: "disconnected" });
  await clock.advance(1_000);
  await (await gateway.session(0)).expect("inStep");
});

test("connection ends for good when the gateway says retired, and says so loudly", async () => {
  const { runner, gateway, clock, line } = await refused({ status: 410, body: { code: "retired" } });
  expect(line).toMatchObject({ level: "error", reason: "retired" });
  await eventually(() => expect(runner.connection.status()).toMatchObject({ state: "closed", reason: "retired" }));
  await clock.advance(3_600_000);
  expect(gateway.dials).toHaveLength(1);
});

test("connection doesn't end for good on a bare 410, which any proxy can send", async () => {
  const { gateway, clock } = await refused({ status: 410, body: {} });
  await clock.advance(91_000);
  await (await gateway.session(0)).expect("inStep");
});

test("connection that can't read its token says so and tries again", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({}, { clock });
  const { connection, lines } = startRunner({
    url: gateway.url,
    clock,
    token: () => Promise.reject(new CodedError(CONNECTION_ERRORS.TokenTimedOut, "Cannot read the token: gone")),
  });
  await eventually(() => expect(connection.status()).toMatchObject({ state: "waiting", reason: "unauthorized" }));
  expect(lines.at(-1)).toMatchObject({ found: "Cannot read the token: gone" });
  await clock.advance(70_000);
  expect(connection.stats().dials).toBeGreaterThanOrEqual(4);
  expect(gateway.dials).toEqual([]);
});

test("connection refuses a protocol version it did not offer", async () => {
  const gateway = await FakeGateway.start({ welcome: { protocolVersion: 3 } });
  const { connection } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  expect((await session.expect("close")).body.name).toBe("unsupportedVersion");
  await eventually(() => expect(connection.status()).toMatchObject({ state: "waiting", reason: "unsupportedVersion" }));
});

test("connection honours retryAfterSeconds of a close frame", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({}, { clock });
  startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("inStep");
  session.closeBy("goingAway", "restart", 40);
  await eventually(() => expect(session.closed).toBeDefined());
  await clock.advance(39_000);
  expect(gateway.dials).toHaveLength(1);
  await clock.advance(6_000);
  await (await gateway.session(1)).expect("inStep");
});

test("connection believes the close frame when a proxy changes the code", async () => {
  const gateway = await FakeGateway.start();
  const { connection } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  session.send("close", { name: "unauthorized", reason: "the token was revoked" });
  session.socket.terminate();
  await eventually(() => expect(connection.status()).toMatchObject({ state: "waiting", reason: "unauthorized" }));
});

test("connection goes on after a close 1000 from the other side: only the runner itself ends its work", async () => {
  const gateway = await FakeGateway.start();
  startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  session.socket.close(1000, "idle");
  await (await gateway.session(1)).expect("inStep");
});

test("connection that is superseded stands by, asks slowly as standby, and works again when it is given the session", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({}, { clock });
  const { connection, statuses } = startRunner({ url: gateway.url, clock });
  const first = await gateway.session(0);
  await first.expect("inStep");
  gateway.script.welcomes = false;
  first.closeBy("superseded");
  await eventually(() => expect(connection.status()).toMatchObject({ state: "standby", reason: "superseded" }));
  await clock.advance(59_000);
  expect(gateway.dials).toHaveLength(1);
  await clock.advance(32_000);
  const second = await gateway.session(1);
  expect((await second.expect("hello")).body.standby).toBe(true);
  expect(connection.status().state).toBe("standby");
  second.closeBy("superseded");
  await eventually(() => expect(second.closed).toBeDefined());
  gateway.script.welcomes = true;
  await clock.advance(91_000);
  const third = await gateway.session(2);
  expect((await third.expect("hello")).body.standby).toBe(true);
  await third.expect("inStep");
  await eventually(() => expect(connection.status()).toEqual({ state: "ready", epoch: 2 }));
  expect(statuses.map(({ state }) => state)).not.toContain("closed");
  third.socket.terminate();
  await eventually(() => expect(connection.status().state).toBe("waiting"));
  await clock.advance(1_000);
  expect((await (await gateway.session(3)).expect("hello")).body.standby).toBe(false);
});
