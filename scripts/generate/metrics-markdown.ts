import { DOCUMENTED_METRICS } from "../../src/metrics/documented-metrics.ts";
import type { MetricRow } from "../../src/metrics/metric-row.ts";
import { OWN_METRICS } from "../../src/metrics/own-metrics.ts";
import { READINESS_WORDS } from "../../src/runner/readiness.ts";

/** docs/metrics.md: metrics from the catalogue they are served from, and the words of readiness. */
export function metricsMarkdown(): string {
  const words = Object.entries(READINESS_WORDS).map(([word, meaning]) => `| \`${word}\` | ${meaning} |`);
  return `# Metrics and probes

Generated from \`src/metrics/catalogue.ts\` and \`src/runner/readiness.ts\` by \`npm run generate\`. Do not edit.

The runner serves metrics at \`http://<host>:8989/metrics\`. \`METRICS_SERVER_PORT\`, \`METRICS_SERVER_PATH\` and \`METRICS_SERVER_HOST\` move them; \`METRICS_SERVER_PORT=off\` (or 0) switches them off. \`APP_SERVER_PORT=8585\` serves them a second time, there at \`/prometheus\` too, for charts up to 1.10.1. Neither is in the way of runs: when a port is taken, the log says so and the runner works without it.

Counters count from the start of the process and begin at 0: every word of a label that can be known beforehand is there from the beginning.

## With the documented names

\`promtool check metrics\` has one remark, about \`collate_hybrid_agent_jobs_counter_total\`: a name shall not hold the word counter, whatever the metric's type is. Name and type are the documented ones.

${table(DOCUMENTED_METRICS)}

## Of this project

${table(OWN_METRICS)}

Secrets are read in the run's own process, which leaves behind how often and with what result when it ends, and nothing else of them; in a pod the run's own program could leave other counts there. A run that failed over one is counted in \`hybrid_runner_run_failures_total{category="SecretUnresolved"}\`.

## Probes

They stand beside the metrics, on the same ports.

\`/livez\` answers 200, or 503 with one line for each of the runner's own loops that is stuck: its timers, the look for new log, or the connection in a state for much longer than that state may last. Only a restart helps then. It does not depend on the gateway: a runner without a gateway is alive.

\`/readyz\` answers 200 when runs would be taken, or 503 with one line \`word: explanation\` for each reason why not:

| word | meaning |
|---|---|
${words.join("\n")}
`;
}

function table(rows: readonly MetricRow[]): string {
  const lines = rows.map(({ name, type, labels, help }) => {
    return `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(", ")} | ${help} |`;
  });
  return ["| metric | type | labels | meaning |", "|---|---|---|---|", ...lines].join("\n");
}
