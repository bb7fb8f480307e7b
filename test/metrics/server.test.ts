import { expect, onTestFinished, test } from "vitest";
import { systemClock } from "../../src/base/clock.ts";
import { type MetricsServerOptions, startMetricsServer } from "../../src/metrics/server.ts";
import { readScrape } from "./scrape.ts";
import { snapshotOfNumbers } from "./snapshot-of-numbers.ts";

async function serve(options: Partial<MetricsServerOptions> = {}): Promise<string> {
  const listener = await startMetricsServer({
    host: "127.0.0.1",
    port: 0,
    paths: ["/metrics", "/prometheus"],
    snapshot: snapshotOfNumbers,
    stuck: () => [],
    notReady: async () => [],
    clock: systemClock,
    ...options,
  });
  onTestFinished(() => listener.close(100));
  return listener.url;
}

test("metrics are served at each path with the media type of the format", async () => {
  const url = await serve();
  for (const path of ["/metrics", "/prometheus", "/metrics?name=x"]) {
    const response = await fetch(url + path);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(readScrape(await response.text()).types.size).toBeGreaterThan(20);
  }
});

test("probes answer 200 when all is well", async () => {
  const url = await serve();
  const answers = await Promise.all(["/livez", "/readyz"].map(async (path) => (await fetch(url + path)).status));
  expect(answers).toEqual([200, 200]);
});

test("probes answer 503 with every reason on a line of its own", async () => {
  const url = await serve({ stuck: () => ["stuck: logs"], notReady: async () => ["standby: a", "executor_absent: b"] });
  const live = await fetch(`${url}/livez`);
  expect([live.status, await live.text()]).toEqual([503, "stuck: logs\n"]);
  const ready = await fetch(`${url}/readyz`);
  expect([ready.status, await ready.text()]).toEqual([503, "standby: a\nexecutor_absent: b\n"]);
});

test("other paths and methods are refused, and HEAD has no body", async () => {
  const url = await serve();
  expect((await fetch(`${url}/`)).status).toBe(404);
  expect((await fetch(`${url}/metrics`, { method: "POST" })).status).toBe(405);
  const head = await fetch(`${url}/metrics`, { method: "HEAD" });
  expect([head.status, await head.text()]).toEqual([200, ""]);
});
