import { byWord, type MetricRow } from "./metric-row.ts";

/** Metrics of this project, beyond the documented ones. */
export const OWN_METRICS: readonly MetricRow[] = [
  {
    name: "hybrid_runner_build_info",
    type: "gauge",
    help: "Always 1; the labels say what runs here",
    labels: ["version", "executor", "platform"],
    read: ({ build }) => [{ labels: { ...build }, value: 1 }],
  },
  {
    name: "hybrid_runner_dispatch_seconds",
    type: "histogram",
    help: "From the order to start a run to its verdict accepted, the start of the run's process included",
    labels: [],
    measured: ({ durations }) => durations.dispatch,
  },
  {
    name: "hybrid_runner_verdicts_total",
    type: "counter",
    help: "Answers to operations of the gateway, by outcome and, for refused ones, reason",
    labels: ["outcome", "reason"],
    read: ({ verdicts }) =>
      verdicts.map(({ outcome, reason, count }) => ({ labels: { outcome, reason }, value: count })),
  },
  {
    name: "hybrid_runner_runs",
    type: "gauge",
    help: "Runs whose process, records or log are still needed, by state",
    labels: ["state"],
    read: ({ runs }) => byWord("state", runs.byState),
  },
  {
    name: "hybrid_runner_live_runs",
    type: "gauge",
    help: "Runs that have not ended",
    labels: [],
    read: ({ runs }) => runs.live,
  },
  {
    name: "hybrid_runner_live_runs_limit",
    type: "gauge",
    help: "How many runs may be live at once",
    labels: [],
    read: ({ runs }) => runs.most,
  },
  {
    name: "hybrid_runner_run_failures_total",
    type: "counter",
    help: "Runs that failed, by failure category",
    labels: ["category"],
    read: ({ runs }) => byWord("category", runs.failures),
  },
  {
    name: "hybrid_runner_secret_reads_total",
    type: "counter",
    help: "Reads of the secret store by runs that have ended, by provider and result; one for each reading of a reference that was tried",
    labels: ["provider", "result"],
    read: ({ secretReads: { provider, byResult } }) =>
      [...byResult].map(([result, value]) => ({ labels: { provider, result }, value })),
  },
  {
    name: "hybrid_runner_outbox_reports",
    type: "gauge",
    help: "Reports of run states that the gateway has not acknowledged, by whether they tell a run's end",
    labels: ["terminal"],
    read: ({ connection: { unacknowledgedReports, unacknowledgedEnds } }) => [
      { labels: { terminal: "true" }, value: unacknowledgedEnds },
      { labels: { terminal: "false" }, value: unacknowledgedReports - unacknowledgedEnds },
    ],
  },
  {
    name: "hybrid_runner_unacknowledged_log_bytes",
    type: "gauge",
    help: "Log sent to the gateway and not acknowledged",
    labels: [],
    read: ({ connection }) => connection.unacknowledgedLogBytes,
  },
  {
    name: "hybrid_runner_log_gap_bytes_total",
    type: "counter",
    help: "Log that was not sent to the gateway because of the limit for one run",
    labels: [],
    read: ({ runs }) => runs.logGapBytes,
  },
  {
    name: "hybrid_runner_schedules",
    type: "gauge",
    help: "Schedules that this runner fires",
    labels: [],
    read: ({ schedules }) => schedules.kept,
  },
  {
    name: "hybrid_runner_waiting_fires",
    type: "gauge",
    help: "Fires of schedules that wait for a place",
    labels: [],
    read: ({ schedules }) => schedules.waiting,
  },
  {
    name: "hybrid_runner_schedule_fires_total",
    type: "counter",
    help: "Fires of schedules, by what became of them: started, skipped (a run was live, or the pipeline was told to stop), missed for good",
    labels: ["result"],
    read: ({ schedules }) => byWord("result", schedules.fires),
  },
  {
    name: "hybrid_runner_last_server_frame_seconds",
    type: "gauge",
    help: "Time since the last byte from the gateway; absent before the first",
    labels: [],
    read: ({ connection }) => seconds(connection.silentMs),
  },
  {
    name: "hybrid_runner_dials_total",
    type: "counter",
    help: "Attempts to reach the gateway",
    labels: [],
    read: ({ connection }) => connection.dials,
  },
  {
    name: "hybrid_runner_reconnects_total",
    type: "counter",
    help: "Ends of a session, or of an attempt to get one, that led to another dial, by reason",
    labels: ["reason"],
    read: ({ connection }) => byWord("reason", connection.reconnects),
  },
  {
    name: "hybrid_runner_session_epoch",
    type: "gauge",
    help: "Epoch of the newest session; 0 before the first",
    labels: [],
    read: ({ connection }) => connection.epoch,
  },
  {
    name: "hybrid_runner_clock_offset_seconds",
    type: "gauge",
    help: "The gateway's clock minus this machine's, at the newest session's begin; absent before the first",
    labels: [],
    read: ({ connection }) => seconds(connection.clockOffsetMs),
  },
  {
    name: "hybrid_runner_event_loop_lag_seconds",
    type: "gauge",
    help: "How late the program's timers are: the longest of the last one to two minutes",
    labels: [],
    read: ({ usage }) => usage.loopLagSeconds,
  },
  {
    name: "process_start_time_seconds",
    type: "gauge",
    help: "Start of the process, since 1970",
    labels: [],
    read: ({ usage }) => usage.startedAtSeconds,
  },
  {
    name: "process_cpu_seconds_total",
    type: "counter",
    help: "Processor time used",
    labels: [],
    read: ({ usage }) => usage.cpuSeconds,
  },
  {
    name: "process_resident_memory_bytes",
    type: "gauge",
    help: "Memory of the process that is in the machine's memory",
    labels: [],
    read: ({ usage }) => usage.residentBytes,
  },
  {
    name: "process_open_fds",
    type: "gauge",
    help: "Open files and sockets; absent where the system doesn't tell",
    labels: [],
    read: ({ usage }) => usage.openFiles,
  },
];

function seconds(milliseconds: number | undefined): number | undefined {
  return milliseconds === undefined ? undefined : milliseconds / 1000;
}
