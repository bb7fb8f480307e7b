import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { Sensitive } from "../../src/base/sensitive.ts";
import { eventually } from "../fakes/eventually.ts";
import { FakeGateway } from "../fakes/gateway.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { id, startRunner } from "./runner.ts";

test("connection greets: hello, inventory, comparison, fetches, in step, ready", async () => {
  const key = { pipelineId: id(1), generation: 2, hash: "h1" };
  const orphan = { pipelineId: id(2), generation: 1, hash: "h2" };
  const tombstone = { pipelineId: id(3), generation: 4 };
  const gateway = await FakeGateway.start({
    wanted: [
      { pipelines: [key], tombstones: [] },
      { pipelines: [], tombstones: [tombstone] },
    ],
  });
  const { connection, side, statuses } = startRunner({ url: gateway.url });
  side.onCompare = async () => ({ fetch: [id(1)], deleted: 1, orphans: [orphan] });
  const session = await gateway.session(0);
  const inStep = await session.expect("inStep");
  expect(gateway.dials).toEqual([{ token: "Bearer token-of-the-test", runnerId: "runner-a", path: "/v1/runners" }]);
  expect(session.of("hello")[0]).toMatchObject({
    epoch: 0,
    body: {
      protocolVersions: [2, 1],
      runnerId: "runner-a",
      installationId: "installation-a",
      host: "machine-7",
      standby: false,
    },
  });
  expect(session.of("inventory").map(({ body }) => body)).toEqual([{ pipelines: [], runs: [], last: true }]);
  expect(side.wanted).toEqual([{ pipelines: [key], tombstones: [tombstone] }]);
  expect(session.of("fetch").map(({ body }) => body.pipelineId)).toEqual([id(1)]);
  expect(inStep).toMatchObject({ epoch: 1, body: { fetched: 1, deleted: 1, orphans: [orphan] } });
  await eventually(() => expect(connection.status()).toEqual({ state: "ready", epoch: 1 }));
  expect(statuses.map(({ state }) => state)).toEqual(["dialing", "greeting", "greeting", "ready"]);
  expect(session.received.slice(1).every(({ epoch }) => epoch === 1)).toBe(true);
  expect(session.unreadable).toEqual([]);
});

test("connection sends an inventory of 1,200 pipelines in 3 pages, only the last marked as such", async () => {
  const gateway = await FakeGateway.start();
  const { side } = startRunner({ url: gateway.url });
  side.pipelines = Array.from({ length: 1_200 }, (_, n) => ({ pipelineId: id(n), generation: 1, hash: `h${n}` }));
  side.runs = [{ runId: id(5_000), pipelineId: id(1), attempt: 1, state: "running" }];
  const session = await gateway.session(0);
  await session.expect("inStep");
  const pages = session.of("inventory").map(({ body }) => body);
  expect(pages.map((page) => page.pipelines.length)).toEqual([500, 500, 200]);
  expect(pages.map((page) => page.runs.length)).toEqual([1, 0, 0]);
  expect(pages.map((page) => page.last)).toEqual([false, false, true]);
  expect(new Set(pages.flatMap((page) => page.pipelines.map((key) => key.pipelineId))).size).toBe(1_200);
});

test("connection reads the token again for each dial", async () => {
  const file = join(await temporaryDirectory(), "token");
  await writeFile(file, "first");
  const gateway = await FakeGateway.start();
  const { connection } = startRunner({
    url: gateway.url,
    token: async () => new Sensitive(await readFile(file, "utf8")),
  });
  const session = await gateway.session(0);
  await session.expect("inStep");
  await writeFile(file, "second");
  session.socket.terminate();
  await (await gateway.session(1)).expect("inStep");
  expect(gateway.dials.map(({ token }) => token)).toEqual(["Bearer first", "Bearer second"]);
  await eventually(() => expect(connection.status().state).toBe("ready"));
});

test("connection keeps a reverse proxy's prefix and adds the runners' path", async () => {
  const gateway = await FakeGateway.start();
  startRunner({ url: `ws://127.0.0.1:${gateway.port}/om/` });
  await (await gateway.session(0)).expect("inStep");
  expect(gateway.dials[0]?.path).toBe("/om/v1/runners");
});

test("connection tells a clock that is off by 90 s, with the number, and hands the offset to operations", async () => {
  const gateway = await FakeGateway.start({ welcome: { serverTime: systemClock.now() - 90_000 } });
  const { side, lines } = startRunner({ url: gateway.url });
  const session = await gateway.session(0);
  await session.expect("inStep");
  const warning = lines.find(({ level, message }) => level === "warn" && String(message).includes("clock"));
  expect(Math.abs(Number(warning?.["offsetSeconds"]) + 90)).toBeLessThanOrEqual(30);
  session.send("service.status", { operationId: id(1) });
  await session.expect("verdict");
  expect(Math.abs((side.operations[0]?.clockOffsetMs ?? 0) + 90_000)).toBeLessThan(30_000);
});

test("connection says loudly that the runner is older than the gateway's minimum, and goes on", async () => {
  const gateway = await FakeGateway.start({ welcome: { minimumRunnerVersion: "1.10.0" } });
  const { lines } = startRunner({ url: gateway.url });
  await (await gateway.session(0)).expect("inStep");
  expect(lines).toContainEqual(expect.objectContaining({ level: "error", minimumRunnerVersion: "1.10.0" }));
});

test("connection hands each welcome on before anything of the session is asked, and tells the server's version", async () => {
  const gateway = await FakeGateway.start({ welcome: { protocolVersion: 2, serverVersion: "1.13.3" } });
  const events: string[] = [];
  const { side, lines } = startRunner({
    url: gateway.url,
    onWelcome: ({ serverVersion }) => events.push(`welcome ${serverVersion}`),
  });
  side.onCompare = async () => {
    events.push("compare");
    return { fetch: [], deleted: 0, orphans: [] };
  };
  const first = await gateway.session(0);
  await first.expect("inStep");
  expect(lines).toContainEqual(expect.objectContaining({ level: "info", serverVersion: "1.13.3" }));
  gateway.script.welcome = {};
  first.socket.terminate();
  await (await gateway.session(1)).expect("inStep");
  expect(events).toEqual(["welcome 1.13.3", "compare", "welcome undefined", "compare"]);
});

test("connection gives a session up when the runner's own side fails, and tries again", async () => {
  const gateway = await FakeGateway.start();
  const { side } = startRunner({ url: gateway.url });
  let calls = 0;
  side.onCompare = async () => {
    calls += 1;
    if (calls === 1) throw new Error("the disk is full");
    return { fetch: [], deleted: 0, orphans: [] };
  };
  const first = await gateway.session(0);
  expect((await first.expect("close")).body).toMatchObject({ name: "internal" });
  await (await gateway.session(1)).expect("inStep");
});
