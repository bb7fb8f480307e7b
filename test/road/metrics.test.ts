import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { eventually } from "../fakes/eventually.ts";
import { readScrape, type Scrape } from "../metrics/scrape.ts";
import { freePort, Site } from "./site.ts";

const AGENT = "collate_hybrid_agent";

async function scrape(port: number, path = "/metrics"): Promise<Scrape> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  expect(response.status).toBe(200);
  return readScrape(await response.text());
}

async function probe(port: number, path: string): Promise<{ status: number; text: string }> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return { status: response.status, text: await response.text() };
}

test("a scrape before and after runs shows what happened between, at both places", async () => {
  const site = await Site.open();
  await site.script("good", "echo done");
  await site.script("bad", "exit 3");
  const [port, oldPort] = [await freePort(), await freePort()];
  await site.startRunner({
    environment: { METRICS_SERVER_PORT: String(port), APP_SERVER_PORT: String(oldPort), METRICS_SERVER_PATH: "/m" },
  });
  await site.connected();
  await eventually(async () => expect((await probe(port, "/readyz")).text).toBe("ready\n"));

  const before = await scrape(port, "/m");
  expect(before.value(`${AGENT}_connected`)).toBe(1);
  expect(before.value(`${AGENT}_jobs_counter_total`)).toBe(0);
  for (const status of ["succeeded", "failed", "partialSuccess", "stopped"])
    expect(before.value(`${AGENT}_jobs_total`, { status })).toBe(0);
  expect(before.value("hybrid_runner_reconnects_total", { reason: "silence" })).toBe(0);
  expect(before.value("hybrid_runner_verdicts_total", { outcome: "refused", reason: "noExecutor" })).toBe(0);

  const runs = [await site.start(await site.deploy("good")), await site.start(await site.deploy("bad"))];
  for (const run of runs) await site.ended(run);
  for (const run of runs) await site.wholeLog(run);

  const after = await eventually(async () => {
    const found = await scrape(oldPort, "/prometheus");
    expect(found.value("hybrid_runner_outbox_reports", { terminal: "true" })).toBe(0);
    expect(found.value("hybrid_runner_runs", { state: "success" })).toBe(0);
    return found;
  });
  expect(after.value(`${AGENT}_jobs_counter_total`)).toBe(2);
  expect(after.value(`${AGENT}_jobs_total`, { status: "succeeded" })).toBe(1);
  expect(after.value(`${AGENT}_jobs_total`, { status: "failed" })).toBe(1);
  expect(after.value("hybrid_runner_run_failures_total", { category: "ExitCode" })).toBe(1);
  expect(after.value("hybrid_runner_live_runs")).toBe(0);
  expect(after.value("hybrid_runner_verdicts_total", { outcome: "accepted", reason: "" })).toBeGreaterThanOrEqual(4);
  expect(after.value("hybrid_runner_dispatch_seconds_count")).toBe(2);
  expect(after.value("hybrid_runner_dispatch_seconds_bucket", { le: "+Inf" })).toBe(2);
  expect(after.value(`${AGENT}_executor_response_time_seconds_count`)).toBeGreaterThanOrEqual(2);
  expect(after.value(`${AGENT}_argo_response_time_seconds_count`)).toBe(0);
  expect(after.value(`${AGENT}_server_response_time_seconds_count`)).toBeGreaterThanOrEqual(2);
  expect(after.value(`${AGENT}_server_response_time_seconds_sum`)).toBeGreaterThan(0);
  expect(after.value(`${AGENT}_memory_usage`)).toBeGreaterThan(1);
  expect(after.value("process_open_fds")).toBeGreaterThan(5);
  expect(after.value("hybrid_runner_session_epoch")).toBeGreaterThanOrEqual(1);
  expect(after.value("hybrid_runner_last_server_frame_seconds")).toBeLessThan(30);
  expect(Math.abs(after.value("hybrid_runner_clock_offset_seconds"))).toBeLessThan(30);
});

test("reads of the secret store are counted by provider and result, and not again after a restart", async () => {
  const site = await Site.open();
  await site.script("metadata", "echo done");
  await site.secret("password", "correct-horse-battery");
  const port = await freePort();
  const environment = { METRICS_SERVER_PORT: String(port) };
  const first = await site.startRunner({ environment });
  await site.connected();
  const reads = async (): Promise<readonly number[]> => {
    const { value } = await scrape(port);
    const of = (result: string): number => value("hybrid_runner_secret_reads_total", { provider: "file", result });
    return ["found", "notFound", "denied", "unreachable", "throttled", "malformed"].map(of);
  };
  expect(await reads()).toEqual([0, 0, 0, 0, 0, 0]);
  const good = await site.deploy("metadata", { connection: { password: "secret:/password" } });
  for (let runs = 0; runs < 2; runs++) expect((await site.ended(await site.start(good))).state).toBe("success");
  const bad = await site.deploy("metadata", { connection: { password: "secret:/nothing-there" } });
  expect((await site.ended(await site.start(bad))).failure?.category).toBe("SecretUnresolved");
  // One that isn't found is looked for under both readings of its reference.
  expect(await reads()).toEqual([2, 2, 0, 0, 0, 0]);
  await first.end();
  await site.startRunner({ environment });
  await site.connected();
  expect(await reads()).toEqual([0, 0, 0, 0, 0, 0]);
});

test("probes tell a lost gateway and a refused token, while the runner counts as alive", async () => {
  const site = await Site.open();
  const port = await freePort();
  const runner = await site.startRunner({ environment: { METRICS_SERVER_PORT: String(port) } });
  await site.connected();
  await site.killGateway();
  await eventually(async () => expect((await probe(port, "/readyz")).text).toMatch(/^disconnected: /));
  expect(await probe(port, "/livez")).toEqual({ status: 200, text: "ok\n" });
  const lost = await scrape(port);
  expect(lost.value(`${AGENT}_connected`)).toBe(0);
  expect(lost.value("hybrid_runner_reconnects_total", { reason: "disconnected" })).toBeGreaterThanOrEqual(1);
  await runner.end();

  await site.startGateway();
  await site.startRunner({
    id: "other",
    place: "other",
    environment: {
      METRICS_SERVER_PORT: String(port),
      AUTH_TOKEN: await site.revokedToken("other"),
      AUTH_TOKEN_FILE: "",
    },
  });
  await eventually(async () => expect((await probe(port, "/readyz")).text).toMatch(/^auth_rejected: /));
  expect((await probe(port, "/livez")).status).toBe(200);
  expect((await scrape(port)).value("hybrid_runner_reconnects_total", { reason: "unauthorized" })).toBe(1);
});

test("a metrics port that is taken is told, and the runner works", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "0.0.0.0", resolve));
  onTestFinished(() => void taken.close());
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const site = await Site.open();
  const runner = await site.startRunner({ environment: { METRICS_SERVER_PORT: String(port) } });
  await site.connected();
  expect(await runner.log()).toMatch(new RegExp(`can't be served; .*port=${port}.*set METRICS_SERVER_PORT to another`));
});
