import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { NameServer } from "../fakes/name-server.ts";
import { NarrowLine } from "../fakes/narrow-line.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { Site } from "./site.ts";

test("a gateway whose name is gone for a while and comes back with another address (T05): found again", async (context) => {
  const missing = await NarrowLine.missing();
  if (missing !== undefined) return context.skip(missing);
  const site = await Site.open();
  const line = await NarrowLine.open({});
  await line.useNameServer();
  const names = await NameServer.start(line.nearAddress, line.nearAddress);
  const before = await TcpProxy.start(site.port, { host: line.nearAddress });
  const host = "gateway.example.com";
  const runner = await site.startRunner({ host, port: before.port, through: line.through });
  await site.connected();
  expect(names.asked).toBeGreaterThan(0);

  names.address = undefined;
  before.accepts = false;
  before.cut();
  const after = await TcpProxy.start(site.port, { host: line.otherAddress, port: before.port });
  await eventually(async () => {
    const failures = (await runner.log()).split("the host name is not known").length - 1;
    expect(failures).toBeGreaterThanOrEqual(3);
  });
  expect(after.lines).toBe(0);

  names.address = line.otherAddress;
  await site.connected("test-runner", 120_000);
  expect(after.lines).toBe(1);
  expect(runner.alive).toBe(true);
}, 300_000);
