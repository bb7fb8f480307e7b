import { byWord, type MetricRow } from "./metric-row.ts";
import type { MetricSnapshot } from "./snapshot.ts";

/** How the documented metrics spell run states; the others are spelt as they are. */
const STATUS_WORDS: Readonly<Record<string, string>> = { success: "succeeded" };

/** A megabyte as heap sizes are counted. */
const MEGABYTE = 1_048_576;

/** Metrics with the documented names, types and labels (facts: collate-hybrid-runner §1.6), for dashboards and alerts that exist. */
export const DOCUMENTED_METRICS: readonly MetricRow[] = [
  {
    name: "collate_hybrid_agent_jobs_counter_total",
    type: "counter",
    help: "Runs created by the runner",
    labels: [],
    read: ({ runs }) => runs.created,
  },
  {
    name: "collate_hybrid_agent_jobs_total",
    type: "counter",
    help: "Runs that ended, by status: succeeded, failed, partialSuccess or stopped",
    labels: ["status"],
    read: ({ runs }) =>
      byWord("status", new Map([...runs.ended].map(([state, count]) => [STATUS_WORDS[state] ?? state, count]))),
  },
  {
    name: "collate_hybrid_agent_memory_usage",
    type: "gauge",
    help: "Heap memory in use, in MB",
    labels: [],
    read: ({ usage }) => usage.heapBytes / MEGABYTE,
  },
  {
    name: "collate_hybrid_agent_cpu_usage",
    type: "gauge",
    help: "Processor time used over the last 15 seconds, in percent of one processor",
    labels: [],
    read: ({ usage }) => usage.cpuPercent,
  },
  {
    name: "collate_hybrid_agent_connected",
    type: "gauge",
    help: "Is the runner connected to the gateway? (0 = no, 1 = yes)",
    labels: [],
    read: ({ connection }) => (connection.connected ? 1 : 0),
  },
  ...responseTime("server", "The gateway's time to answer or acknowledge", "server"),
  ...responseTime("executor", "The executor's time to do what it is asked", "executor"),
  ...responseTime("argo", "The Argo executor's time to do what it is asked; 0 with another executor", "argo"),
];

function responseTime(who: string, help: string, key: keyof MetricSnapshot["durations"]): readonly MetricRow[] {
  const name = `collate_hybrid_agent_${who}_response_time_seconds`;
  return [
    { name, type: "summary", help, labels: [], measured: ({ durations }) => durations[key] },
    {
      name: `${name}_max`,
      type: "gauge",
      help: `${help}: the longest of the last one to two minutes`,
      labels: [],
      read: ({ durations }) => durations[key].maxSeconds,
    },
  ];
}
