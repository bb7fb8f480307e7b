import { DOCUMENTED_METRICS } from "./documented-metrics.ts";
import type { MetricRow } from "./metric-row.ts";
import { OWN_METRICS } from "./own-metrics.ts";

/** Every metric of the runner, in the order of a scrape. What is served and docs/metrics.md both come from here. */
export const METRICS: readonly MetricRow[] = [...DOCUMENTED_METRICS, ...OWN_METRICS];
