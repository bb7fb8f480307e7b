import fc from "fast-check";
import { expect, test } from "vitest";
import { LIMITS } from "../../src/protocol/limits.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { FakeRunnerSide } from "../fakes/runner-side.ts";
import { id, report, startRunner } from "./runner.ts";

test("outbox keeps a terminal state across three reconnects until it is acknowledged", async () => {
  const clock = new FakeClock();
  const gateway = await FakeGateway.start({ acknowledges: false }, { clock });
  const { connection, side } = startRunner({ url: gateway.url, clock });
  connection.put(report(1, "success"));
  for (let round = 0; round < 4; round++) {
    const session = await gateway.session(round);
    const update = await session.expect("run.update");
    expect(update).toMatchObject({ epoch: round + 1, seq: 1, body: report(1, "success") });
    expect(side.acknowledgedReports).toEqual([]);
    if (round === 3) session.send("ack", { seq: 1 });
    else session.socket.terminate();
    if (round < 3) await eventually(() => expect(connection.status().state).toBe("waiting"));
    await clock.advance(round < 3 ? 4_000 : 0);
  }
  await eventually(() => expect(side.acknowledgedReports).toEqual([report(1, "success")]));
  expect(connection.stats()).toMatchObject({ unacknowledged: 0, terminal: 0, waiting: 0 });
});

test("connection acknowledges cumulatively, and sends nothing again that was acknowledged", async () => {
  const gateway = await FakeGateway.start({ acknowledges: false });
  const { connection, side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  for (let n = 1; n <= 5; n++) connection.put(report(n, "success"));
  await session.expect("run.update", 4);
  expect(session.of("run.update").map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
  session.send("ack", { seq: 3 });
  await eventually(() => expect(side.acknowledgedReports).toHaveLength(3));
  session.socket.terminate();
  const second = await gateway.session(1);
  await second.expect("run.update", 1);
  expect(second.of("run.update").map(({ seq, body }) => [seq, body.runId])).toEqual([
    [1, id(4)],
    [2, id(5)],
  ]);
  second.send("ack", { seq: 2 });
  await eventually(() => expect(connection.stats().unacknowledged).toBe(0));
  expect(side.acknowledgedReports.map(({ runId }) => runId)).toEqual([1, 2, 3, 4, 5].map(id));
  second.socket.terminate();
  const third = await gateway.session(2);
  await third.expect("inStep");
  expect(third.of("run.update")).toEqual([]);
});

test("connection sends only the newest state of a run that changed while it was away", async () => {
  const gateway = await FakeGateway.start();
  const { connection } = startRunner({ url: gateway.url });
  connection.put(report(1, "queued"));
  connection.put(report(1, "running"));
  connection.put(report(1, "failed"));
  connection.put(report(1, "running"));
  await eventually(() => expect(connection.stats().unacknowledged).toBe(0));
  expect(gateway.reports).toEqual([report(1, "failed")]);
});

test("connection sends a state as the next frame although logs wait", async () => {
  const gateway = await FakeGateway.start();
  const { connection, side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  let pulls = 0;
  side.logs.pause = async () => {
    pulls += 1;
    if (pulls === 2) connection.put(report(1, "success"));
  };
  side.logs.write(id(1), "x".repeat(200_000));
  connection.wake();
  await session.expect("run.log", 3);
  const types = session.received.map(({ type }) => type).filter((type) => type.startsWith("run."));
  expect(types.slice(0, 3)).toEqual(["run.log", "run.update", "run.log"]);
  await eventually(() => expect(connection.stats().unacknowledgedLogBytes).toBe(0));
  await eventually(() => expect(side.logs.delivered.map(({ text }) => text).join("")).toHaveLength(200_000));
  expect(gateway.logText(id(1))).toHaveLength(200_000);
});

test("connection leaves at most the log window unacknowledged, and sends states all the same", async () => {
  const gateway = await FakeGateway.start();
  const { connection, side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  side.logs.write(id(1), "ä".repeat(400_000));
  connection.wake();
  await eventually(() => expect(gateway.logText(id(1))).toHaveLength(400_000));
  await eventually(() => expect(connection.stats().unacknowledgedLogBytes).toBe(0));
  gateway.script.acknowledges = false;
  side.logs.write(id(1), "ä".repeat(700_000));
  connection.wake();
  const most = LIMITS.logWindowBytes;
  await eventually(() =>
    expect(connection.stats().unacknowledgedLogBytes).toBeGreaterThan(most - LIMITS.logChunkBytes),
  );
  connection.put(report(1, "success"));
  const update = await session.expect("run.update");
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(connection.stats().unacknowledgedLogBytes).toBeLessThanOrEqual(most);
  expect(session.received.at(-1)).toBe(update);
  gateway.script.acknowledges = true;
  session.send("ack", { seq: update.seq ?? 0 });
  await eventually(() => expect(gateway.logText(id(1))).toHaveLength(1_100_000));
  expect(gateway.gaps).toEqual([]);
  expect(gateway.overlaps).toEqual([]);
});

test("connection that gets no acknowledgement has a small piece of log on its way, as it doesn't know its line", async () => {
  const gateway = await FakeGateway.start({ acknowledges: false });
  const { connection, side } = startRunner({ url: gateway.url });
  side.logs.write(id(1), "x".repeat(400_000));
  const session = await gateway.session(0);
  await session.expect("run.log", 3);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(session.of("run.log")).toHaveLength(4);
  expect(connection.stats().unacknowledgedLogBytes).toBe(16_384);
  connection.put(report(1, "success"));
  await session.expect("run.update");
});

test("connection goes on with a report that can't be written as a frame", async () => {
  const gateway = await FakeGateway.start();
  const { connection, lines } = startRunner({ url: gateway.url });
  connection.put({ ...report(1, "failed"), exitCode: 0.5 });
  connection.put(report(2, "success"));
  await eventually(() => expect(gateway.reports).toEqual([report(2, "success")]));
  expect(lines).toContainEqual(expect.objectContaining({ level: "error", runId: id(1) }));
  // The acknowledgement is on its way when the gateway has the report.
  await eventually(() => expect(connection.stats()).toMatchObject({ unacknowledged: 1, waiting: 0 }));
});

test("connection survives a pull of logs that outlives its session", async () => {
  const gateway = await FakeGateway.start();
  const { connection, side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  const gate = Promise.withResolvers<void>();
  side.logs.pause = () => gate.promise;
  side.logs.write(id(1), "written before the break");
  connection.wake();
  await eventually(() => expect(side.logs.asked).not.toEqual([]));
  session.socket.terminate();
  const second = await gateway.session(1);
  await second.expect("inventory");
  expect(side.logs.rewinds).toHaveLength(1);
  side.logs.pause = async () => undefined;
  gate.resolve();
  await second.expect("run.log");
  expect(side.logs.rewinds).toHaveLength(2);
  expect(second.of("run.log").map(({ body }) => body.offset)).toEqual([0]);
  expect(gateway.gaps).toEqual([]);
});

test("logs arrive without a byte lost or doubled over random cuts", async () => {
  const clock = new FakeClock();
  const runs = [id(1), id(2)];
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ updates: fc.integer({ min: 0, max: 6 }), stores: fc.boolean(), acks: fc.boolean() }), {
        maxLength: 4,
      }),
      fc.array(fc.string({ unit: "grapheme", maxLength: 20 }), { minLength: 1, maxLength: 4 }),
      async (cuts, words) => {
        const gateway = await FakeGateway.start({}, { clock });
        const dead = new Set<unknown>();
        let seen = 0;
        gateway.script.onUpdate = (session) => {
          if (dead.has(session)) return false;
          const cut = cuts[gateway.sessions.indexOf(session)];
          if (cut === undefined) return true;
          seen += 1;
          if (seen <= cut.updates) return true;
          seen = 0;
          gateway.script.acknowledges = cut.acks;
          setImmediate(() => {
            gateway.script.acknowledges = true;
          });
          queueMicrotask(() => session.socket.terminate());
          dead.add(session);
          return cut.stores;
        };
        const side = new FakeRunnerSide();
        side.runs = runs.map((runId) => ({ runId, pipelineId: id(9), attempt: 1, state: "running" }));
        const { connection } = startRunner({ url: gateway.url, clock, side });
        for (const runId of runs) side.logs.write(runId, words.join("|").repeat(2_000));
        await eventually(async () => {
          connection.wake();
          if (connection.status().state === "waiting") await clock.advance(10_000);
          for (const runId of runs) expect(gateway.logText(runId) === side.logs.text(runId)).toBe(true);
          expect(connection.stats().unacknowledgedLogBytes).toBe(0);
        });
        expect(gateway.gaps).toEqual([]);
        expect(gateway.overlaps).toEqual([]);
        expect(gateway.sessions.flatMap(({ unreadable }) => unreadable)).toEqual([]);
        await connection.close("normal", 0);
        await gateway.stop();
      },
    ),
    { numRuns: 25, endOnFailure: true },
  );
});
