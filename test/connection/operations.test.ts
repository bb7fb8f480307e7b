import { expect, test } from "vitest";
import { OperationDesk } from "../../src/connection/operations.ts";
import type { Verdict } from "../../src/connection/runner-side.ts";
import { LIMITS } from "../../src/protocol/limits.ts";
import type { MessageBodies } from "../../src/protocol/messages.ts";
import { FakeClock } from "../fakes/clock.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { id, startRunner } from "./runner.ts";

test("connection answers or refuses 500 operations that come at once, each exactly once", async () => {
  const gateway = await FakeGateway.start();
  const { side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  const gate = Promise.withResolvers<void>();
  side.onOperate = async () => {
    await gate.promise;
    return { outcome: "answered", answer: { kind: "serviceStatus", healthy: true, message: "fine" } };
  };
  for (let n = 0; n < 500; n++) session.send("service.status", { operationId: id(n) });
  await session.expect("verdict", 435);
  gate.resolve();
  await session.expect("verdict", 499);
  const verdicts = session.of("verdict").map(({ body }) => body);
  expect(verdicts.filter((body) => body.outcome === "refused" && body.reason === "full")).toHaveLength(436);
  expect(verdicts.filter((body) => body.outcome === "answered")).toHaveLength(64);
  expect(new Set(verdicts.map(({ operationId }) => operationId)).size).toBe(500);
  expect(side.operations).toHaveLength(64);
  session.send("service.status", { operationId: id(500) });
  expect((await session.expect("verdict", 500)).body).toMatchObject({ operationId: id(500), outcome: "answered" });
});

test("connection gives verdicts in the order of completion", async () => {
  const gateway = await FakeGateway.start();
  const { side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  const slow = Promise.withResolvers<Verdict>();
  side.onOperate = async (operation) =>
    operation.type === "service.status" ? await slow.promise : { outcome: "unsupported", message: "not here" };
  session.send("service.status", { operationId: id(1) });
  session.send("run.status", { operationId: id(2), runId: id(3) });
  expect((await session.expect("verdict")).body.operationId).toBe(id(2));
  slow.resolve({ outcome: "accepted" });
  expect((await session.expect("verdict", 1)).body.operationId).toBe(id(1));
});

test("connection tells in time that an operation is still under way, and nothing more when it is done", async () => {
  const clock = new FakeClock();
  const done = Promise.withResolvers<Verdict>();
  const replies: MessageBodies["verdict"][] = [];
  const desk = new OperationDesk({
    clock,
    side: { operate: () => done.promise },
    clockOffsetMs: () => 0,
    onOperation: () => undefined,
    onFailure: (error) => expect.fail(String(error)),
    reply: (verdict) => replies.push(verdict),
  });
  desk.take({ type: "pipeline.stop", epoch: 1, body: { operationId: id(1), pipelineId: id(2) } });
  await clock.advance(LIMITS.verdictSeconds * 1000 - 1000);
  const late = { operationId: id(1), outcome: "refused", message: expect.stringContaining("still under way") };
  expect(replies).toEqual([expect.objectContaining(late)]);
  done.resolve({ outcome: "accepted" });
  await clock.advance(1000);
  expect(replies).toHaveLength(1);
  expect(clock.waiting).toBe(0);
});

test("connection gives the session up when an operation fails without a verdict", async () => {
  const gateway = await FakeGateway.start();
  const { side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  side.onOperate = () => Promise.reject(new Error("a bug"));
  session.send("service.status", { operationId: id(1) });
  expect((await session.expect("close")).body.name).toBe("internal");
  await (await gateway.session(1)).expect("inStep");
});

test("connection drops verdicts of an ended session", async () => {
  const gateway = await FakeGateway.start();
  const { side } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  const slow = Promise.withResolvers<Verdict>();
  side.onOperate = () => slow.promise;
  session.send("service.status", { operationId: id(1) });
  await eventually(() => expect(side.operations).toHaveLength(1));
  session.socket.terminate();
  const second = await gateway.session(1);
  await second.expect("inStep");
  slow.resolve({ outcome: "accepted" });
  side.onOperate = async () => ({ outcome: "accepted" });
  second.send("service.status", { operationId: id(2) });
  await second.expect("verdict");
  expect(second.of("verdict").map(({ body }) => body.operationId)).toEqual([id(2)]);
});

test.each([
  [1, {}],
  [2, { category: "Quota" }],
])(
  "connection tells the category of a refusal to a gateway that knows it: version %i",
  async (protocolVersion, told) => {
    const gateway = await FakeGateway.start({ welcome: { protocolVersion } });
    const { side } = startRunner({ url: gateway.url });
    const session = await gateway.session(0);
    await session.expect("inStep");
    const refusal = { outcome: "refused", reason: "storage", message: "exceeded quota", advice: "raise it" } as const;
    side.onOperate = async () => ({ ...refusal, category: "Quota" });
    session.send("service.status", { operationId: id(1) });
    expect((await session.expect("verdict")).body).toEqual({ operationId: id(1), ...refusal, ...told });
  },
);
