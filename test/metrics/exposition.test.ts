import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { METRICS } from "../../src/metrics/catalogue.ts";
import { exposeMetrics } from "../../src/metrics/exposition.ts";
import { readScrape } from "./scrape.ts";
import { snapshotOfNumbers } from "./snapshot-of-numbers.ts";

const PREFIX = "collate_hybrid_agent";

/** Names and types as the documents have them (facts: collate-hybrid-runner §1.6). */
const DOCUMENTED: Readonly<Record<string, string>> = {
  [`${PREFIX}_jobs_counter_total`]: "counter",
  [`${PREFIX}_jobs_total`]: "counter",
  [`${PREFIX}_memory_usage`]: "gauge",
  [`${PREFIX}_cpu_usage`]: "gauge",
  [`${PREFIX}_connected`]: "gauge",
  [`${PREFIX}_server_response_time_seconds`]: "summary",
  [`${PREFIX}_server_response_time_seconds_max`]: "gauge",
  [`${PREFIX}_executor_response_time_seconds`]: "summary",
  [`${PREFIX}_executor_response_time_seconds_max`]: "gauge",
  [`${PREFIX}_argo_response_time_seconds`]: "summary",
  [`${PREFIX}_argo_response_time_seconds_max`]: "gauge",
};

test("a scrape has every documented name with its type", async () => {
  const scrape = readScrape(await exposeMetrics(snapshotOfNumbers()));
  for (const [name, type] of Object.entries(DOCUMENTED)) expect([name, scrape.types.get(name)]).toEqual([name, type]);
  const documented = [...scrape.types.keys()].filter((name) => name.startsWith(PREFIX));
  expect(documented.sort()).toEqual(Object.keys(DOCUMENTED).sort());
});

test("a scrape carries each number to its own metric", async () => {
  const { value } = readScrape(await exposeMetrics(snapshotOfNumbers()));
  expect(value(`${PREFIX}_jobs_counter_total`)).toBe(17);
  expect(value(`${PREFIX}_jobs_total`, { status: "succeeded" })).toBe(8);
  expect(value(`${PREFIX}_jobs_total`, { status: "failed" })).toBe(9);
  expect(value(`${PREFIX}_memory_usage`)).toBe(10);
  expect(value(`${PREFIX}_cpu_usage`)).toBe(12.5);
  expect(value(`${PREFIX}_connected`)).toBe(1);
  for (const [who, count] of [
    ["server", 21],
    ["executor", 31],
    ["argo", 41],
  ] as const) {
    expect(value(`${PREFIX}_${who}_response_time_seconds_count`)).toBe(count);
    expect(value(`${PREFIX}_${who}_response_time_seconds_sum`)).toBe(count + 0.25);
    expect(value(`${PREFIX}_${who}_response_time_seconds_max`)).toBe(count + 0.5);
  }
  expect(value("hybrid_runner_dispatch_seconds_bucket", { le: "0.005" })).toBe(1);
  expect(value("hybrid_runner_dispatch_seconds_bucket", { le: "+Inf" })).toBe(51);
  expect(value("hybrid_runner_dispatch_seconds_count")).toBe(51);
  expect(value("hybrid_runner_verdicts_total", { outcome: "refused", reason: "full" })).toBe(1);
  expect(value("hybrid_runner_secret_reads_total", { provider: "file", result: "found" })).toBe(23);
  expect(value("hybrid_runner_secret_reads_total", { provider: "file", result: "denied" })).toBe(0);
  expect(value("hybrid_runner_outbox_reports", { terminal: "true" })).toBe(2);
  expect(value("hybrid_runner_outbox_reports", { terminal: "false" })).toBe(3);
  expect(value("hybrid_runner_last_server_frame_seconds")).toBe(1.5);
  expect(value("hybrid_runner_clock_offset_seconds")).toBe(-2);
  expect(value("hybrid_runner_reconnects_total", { reason: "unauthorized" })).toBe(0);
  expect(
    value("hybrid_runner_build_info", { version: "1.2.3", executor: "process", platform: 'a "quoted"\nplatform' }),
  ).toBe(1);
});

test("what nobody knows yet is absent and not 0", async () => {
  const numbers = snapshotOfNumbers();
  const unknown = { ...numbers, connection: { ...numbers.connection, silentMs: undefined, clockOffsetMs: undefined } };
  const { samples } = readScrape(await exposeMetrics(unknown));
  expect(samples.has("hybrid_runner_last_server_frame_seconds")).toBe(false);
  expect(samples.has("hybrid_runner_clock_offset_seconds")).toBe(false);
});

test("every sample has the labels that the catalogue lists, and every metric has a help and a prefix", async () => {
  const { samples, help } = readScrape(await exposeMetrics(snapshotOfNumbers()));
  for (const { name, labels, type } of METRICS) {
    expect(name).toMatch(/^(collate_hybrid_agent|hybrid_runner|process)_[a-z0-9_]+$/);
    if (type === "counter") expect(name).toMatch(/_total$/);
    expect(help.get(name)).toMatch(/\w{3}/);
    for (const sample of samples.get(name) ?? []) expect(Object.keys(sample.labels).sort()).toEqual([...labels].sort());
  }
  expect(new Set(METRICS.map(({ name }) => name)).size).toBe(METRICS.length);
});

const promtool = spawnSync("promtool", ["--version"]).error === undefined;
if (!promtool) process.stderr.write("metrics not judged by promtool: there is none here (Debian package prometheus)\n");

test.skipIf(!promtool)(
  "promtool has nothing to say but about the documented name (it needs promtool, Debian package prometheus)",
  async () => {
    const found = spawnSync("promtool", ["check", "metrics"], { input: await exposeMetrics(snapshotOfNumbers()) });
    // It says that of any type, so name and type stay as documented.
    const lines = `${found.stdout}${found.stderr}`.split("\n").filter((line) => line !== "");
    expect(lines).toEqual([`${PREFIX}_jobs_counter_total metric name should not include type 'counter'`]);
  },
);
