import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { TcpProxy } from "../fakes/tcp-proxy.ts";
import { temporaryDirectory } from "../fakes/temporary-directory.ts";
import { Site } from "../road/site.ts";
import { objects, shellPods } from "./cluster-site.ts";
import { kubectl } from "./cluster-tool.ts";
import { temporaryNamespace } from "./namespace.ts";

test("a line to the API server that swallows everything while a run ends: its end is told within 40 s (T33)", {
  timeout: 180_000,
}, async () => {
  const namespace = await temporaryNamespace("black-hole");
  const { line, path } = await throughLine();
  const site = await Site.open();
  const script = "echo begun; sleep 6; echo done";
  await site.startRunner({ environment: { ...shellPods(namespace, script), KUBECONFIG: path } });
  await site.connected();
  const run = await site.start(await site.deploy("metadata"));
  await site.until(run, ["running"], 60_000);
  const since = Date.now();
  line.swallow();
  const end = await site.ended(run, 60_000);
  expect(end).toMatchObject({ state: "success", exitCode: 0 });
  expect(Date.now() - since).toBeLessThan(46_000);
  expect(await site.wholeLog(run)).toBe("begun\ndone\n");
  expect(await objects(namespace, "jobs")).toHaveLength(1);
});

/** A kubeconfig that leads to the cluster under test over a line that can be cut. */
async function throughLine(): Promise<{ readonly line: TcpProxy; readonly path: string }> {
  const config = JSON.parse(await kubectl("config", "view", "--raw", "--minify", "-o", "json")) as {
    clusters: { cluster: { server: string; "tls-server-name"?: string } }[];
  };
  const [{ cluster } = { cluster: { server: "" } }] = config.clusters;
  const { hostname, port } = new URL(cluster.server);
  const line = await TcpProxy.start(Number(port), { targetHost: hostname });
  cluster.server = `https://127.0.0.1:${line.port}`;
  cluster["tls-server-name"] ??= hostname;
  const path = join(await temporaryDirectory(), "kubeconfig");
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return { line, path };
}
