import { type Metric, Registry } from "prom-client";
import type { DurationsSnapshot } from "../base/durations.ts";
import { METRICS } from "./catalogue.ts";
import type { MetricRow, Sample } from "./metric-row.ts";
import type { MetricSnapshot } from "./snapshot.ts";

interface Value {
  readonly metricName?: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

/** What the registry asks of a metric when it writes it down. */
interface Readable {
  readonly name: string;
  get(): Promise<{
    readonly name: string;
    readonly help: string;
    readonly type: string;
    readonly values: readonly Value[];
  }>;
}

/** Media type of `exposeMetrics`. */
export const METRICS_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * All metrics in the text form that Prometheus scrapes. Counts are kept by the parts where things happen, so the library
 * only writes them down and nothing is counted twice.
 */
export function exposeMetrics(snapshot: MetricSnapshot): Promise<string> {
  const registry = new Registry();
  for (const row of METRICS) registry.registerMetric(readable(row, snapshot) as unknown as Metric);
  return registry.metrics();
}

function readable(row: MetricRow, snapshot: MetricSnapshot): Readable {
  const { name, help, type } = row;
  return { name, get: async () => ({ name, help, type, values: valuesOf(row, snapshot) }) };
}

function valuesOf(row: MetricRow, snapshot: MetricSnapshot): readonly Value[] {
  if ("measured" in row) return durationValues(row.name, row.measured(snapshot), row.type);
  return sampleValues(row.read(snapshot));
}

function sampleValues(found: number | readonly Sample[] | undefined): readonly Value[] {
  if (found === undefined) return [];
  return typeof found === "number" ? [{ labels: {}, value: found }] : found;
}

function durationValues(name: string, durations: DurationsSnapshot, type: "summary" | "histogram"): readonly Value[] {
  const { count, sumSeconds, buckets } = durations;
  const bounds = [
    ...buckets.map((bucket) => ({ le: String(bucket.boundSeconds), value: bucket.count })),
    { le: "+Inf", value: count },
  ];
  return [
    ...(type === "summary"
      ? []
      : bounds.map(({ le, value }) => ({ metricName: `${name}_bucket`, labels: { le }, value }))),
    { metricName: `${name}_sum`, labels: {}, value: sumSeconds },
    { metricName: `${name}_count`, labels: {}, value: count },
  ];
}
