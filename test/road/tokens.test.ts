import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { freePort, Site } from "./site.ts";

const UNTIL_RELEASED =
  'echo "start $pipelineRunId" >> "$OUT/marks"\nwhile [ ! -e "$OUT/release" ]; do sleep 0.2; done\necho "end $pipelineRunId" >> "$OUT/marks"\n';

test("a token revoked under a live run (T50): the session ends, the run doesn't, readiness says auth_rejected, a new token brings all home", async () => {
  const site = await Site.open();
  await site.script("metadata", UNTIL_RELEASED);
  const metrics = await freePort();
  const runner = await site.startRunner({ environment: { METRICS_SERVER_PORT: String(metrics) } });
  const ready = async (): Promise<string> => (await fetch(`http://127.0.0.1:${metrics}/readyz`)).text();
  await site.connected();
  const runId = await site.start(await site.deploy("metadata"));
  await site.until(runId, ["running"]);

  await site.revoke(await runner.token());
  await eventually(async () => {
    expect((await site.api<{ status: string }>("GET", "/runners/test-runner")).status).toBe("Disconnected");
  });
  await eventually(async () => expect(await ready()).toContain("auth_rejected"));
  await writeFile(join(site.directory, "release"), "");
  await eventually(async () => expect(await site.lines("marks")).toEqual([`start ${runId}`, `end ${runId}`]));
  expect((await site.run(runId)).state).toBe("running");
  expect(runner.alive).toBe(true);

  await writeFile(runner.tokenFile, await site.token());
  expect((await site.ended(runId, 40_000)).state).toBe("success");
  await site.wholeLog(runId);
  expect(await ready()).not.toContain("auth_rejected");
  expect(await site.lines("marks")).toHaveLength(2);
});

test("a token rotated on disk is used at the next dial, without a restart", async () => {
  const site = await Site.open();
  const proxy = await TcpProxy.start(site.port);
  const runner = await site.startRunner({ port: proxy.port });
  await site.connected();
  const old = await runner.token();
  await writeFile(runner.tokenFile, await site.token());
  await site.revoke(old);
  proxy.cut();
  await eventually(async () => expect(await runner.log()).toContain("epoch=2"), 20_000);
  expect(await runner.log()).not.toContain("unauthorized");
  expect(runner.alive).toBe(true);
});
