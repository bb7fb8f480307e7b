import { expect, test } from "vitest";
import { NarrowLine } from "../fakes/narrow-line.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { type RunnerProcess, Site } from "./site.ts";

async function sessions(runner: RunnerProcess): Promise<number> {
  return (await runner.log()).split("The gateway has given this runner the session").length - 1;
}

/** Writes some megabytes at once and goes on living. */
const FLOOD = 'head -c 1500000 /dev/urandom | base64 -w 100\necho "flood over" >> "$OUT/marks"\nsleep 300\n';

test("a line of 64 kbit/s full of log: one session, a stop gets its verdict and its end before the rest of the log", async (context) => {
  const missing = await NarrowLine.missing();
  if (missing !== undefined) return context.skip(missing);
  const site = await Site.open();
  await site.script("metadata", FLOOD);
  const line = await NarrowLine.open({ rateKbit: 64 });
  const proxy = await TcpProxy.start(site.port, { host: line.nearAddress });
  const runner = await site.startRunner({ host: line.nearAddress, port: proxy.port, through: line.through });
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  await site.until(runId, ["running"]);
  await new Promise((resolve) => setTimeout(resolve, 35_000));
  expect(await site.lines("marks")).toEqual(["flood over"]);
  const before = await site.run(runId);
  expect(before.state).toBe("running");
  // Most of the log is still to come: for all of it the line would need four minutes.
  expect(before.logBytes).toBeGreaterThan(0);
  expect(before.logBytes).toBeLessThan(500_000);

  await site.api("POST", `/runs/${runId}/stop`);
  const stopped = await site.until(runId, ["stopped"], 60_000);
  // The end went before the log that was written earlier.
  expect(stopped.logBytes).toBeLessThan(1_000_000);
  await new Promise((resolve) => setTimeout(resolve, 10_000));
  expect(await sessions(runner)).toBe(1);
  expect((await site.run(runId)).logBytes).toBeGreaterThan(before.logBytes);
}, 240_000);

test("a line that loses a tenth of its packets: one session, the log arrives whole", async (context) => {
  const missing = await NarrowLine.missing();
  if (missing !== undefined) return context.skip(missing);
  const site = await Site.open();
  await site.script("metadata", "head -c 750000 /dev/urandom | base64 -w 100\n");
  const line = await NarrowLine.open({ lossPercent: 10 });
  const proxy = await TcpProxy.start(site.port, { host: line.nearAddress });
  const runner = await site.startRunner({ host: line.nearAddress, port: proxy.port, through: line.through });
  await site.connected("test-runner", 60_000);
  const runId = await site.start(await site.deploy("metadata"));
  expect((await site.ended(runId, 90_000)).state).toBe("success");
  expect((await site.wholeLog(runId)).length).toBeGreaterThan(1_000_000);
  expect(await line.dropped()).toBeGreaterThan(0);
  expect(await sessions(runner)).toBe(1);
});

test("a line of 2 s latency each way: one session, runs go down the road and come back", async () => {
  const site = await Site.open();
  await site.script("metadata", "head -c 150000 /dev/urandom | base64 -w 100\n");
  const proxy = await TcpProxy.start(site.port, { latencyMs: 2_000 });
  const runner = await site.startRunner({ port: proxy.port });
  await site.connected("test-runner", 60_000);
  const runId = await site.start(await site.deploy("metadata"));
  expect((await site.ended(runId, 60_000)).state).toBe("success");
  await expect.poll(async () => (await site.run(runId)).logBytes, { timeout: 300_000 }).toBeGreaterThan(200_000);
  await site.wholeLog(runId);
  expect(await sessions(runner)).toBe(1);
});
