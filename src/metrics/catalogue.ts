import { Counter, Gauge, Registry } from "prom-client";

/** What the metrics are read from, at the moment of a scrape. */
export interface MetricSources {
  readonly connected: () => boolean;
  /** Since the start of the process. */
  readonly runCounts: () => { readonly accepted: number; readonly ended: Readonly<Record<string, number>> };
  readonly liveRuns: () => number;
}

/** Names of run states as the documented metrics spell them (facts: collate-hybrid-runner §1.6). */
const STATUS_LABELS: Readonly<Record<string, string>> = { success: "succeeded" };

/** Every metric of the runner. Counters follow counts kept where the events happen, so nothing is counted twice. */
export function createMetrics(sources: MetricSources): Registry {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: "collate_hybrid_agent_connected",
    help: "Is the runner connected to the gateway? (0 = no, 1 = yes)",
    registers,
    collect() {
      this.set(sources.connected() ? 1 : 0);
    },
  });
  new Gauge({
    name: "hybrid_runner_live_runs",
    help: "Runs that have not ended",
    registers,
    collect() {
      this.set(sources.liveRuns());
    },
  });
  new Counter({
    name: "collate_hybrid_agent_jobs_counter_total",
    help: "Runs taken in by the runner",
    registers,
    collect() {
      this.reset();
      this.inc(sources.runCounts().accepted);
    },
  });
  new Counter({
    name: "collate_hybrid_agent_jobs_total",
    help: "Runs that ended, by status",
    labelNames: ["status"],
    registers,
    collect() {
      this.reset();
      for (const [state, count] of Object.entries(sources.runCounts().ended))
        this.inc({ status: STATUS_LABELS[state] ?? state }, count);
    },
  });
  return registry;
}
