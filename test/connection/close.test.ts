import { expect, test } from "vitest";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { report, startRunner } from "./runner.ts";

test("connection that is closed flushes its states, says goodbye and doesn't dial again", async () => {
  const gateway = await FakeGateway.start({ acknowledges: false });
  const { connection, side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  connection.put(report(1, "success"));
  const closed = connection.close("normal", 5_000);
  await session.expect("run.update");
  expect(session.of("close")).toEqual([]);
  session.send("ack", { seq: 1 });
  await closed;
  expect(side.acknowledgedReports).toEqual([report(1, "success")]);
  expect(session.of("close").map(({ body }) => body.name)).toEqual(["normal"]);
  expect(session.closed?.code).toBe(1000);
  expect(connection.status()).toMatchObject({ state: "closed", reason: "normal" });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(gateway.dials).toHaveLength(1);
  connection.start();
  await connection.close("normal", 0);
  expect(gateway.dials).toHaveLength(1);
});

test("connection that is closed waits no longer than its limit for acknowledgements", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ acknowledges: false }, { clock });
  const { connection, lines } = startRunner({ url: gateway.url, clock });
  const session = await gateway.session(0);
  await session.expect("inStep");
  connection.put(report(1, "success"));
  await session.expect("run.update");
  const closed = connection.close("normal", 2_000);
  await clock.advance(2_000);
  await closed;
  expect(session.of("close")[0]?.body.name).toBe("normal");
  expect(lines).toContainEqual(expect.objectContaining({ level: "warn", unacknowledged: 1 }));
});

test("connection that is closed while it waits or dials ends at once", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ refuse: () => ({ status: 401, body: {} }) }, { clock });
  const { connection } = startRunner({ url: gateway.url, clock });
  await eventually(() => expect(connection.status().state).toBe("waiting"));
  await connection.close("normal", 5_000);
  expect(connection.status().state).toBe("closed");
  expect(clock.waiting).toBe(0);
});

test("connection that was never started can be closed", async () => {
  const { connection } = startRunner({ url: "ws://127.0.0.1:1" });
  await connection.close("normal", 1_000);
  expect(connection.status().state).toBe("closed");
});
