import type { DurationsSnapshot } from "../base/durations.ts";
import type { Connection } from "../connection/connection.ts";
import type { Executor } from "../executor/executor.ts";
import type { LoopWatch } from "../metrics/loop-watch.ts";
import type { CountsByWord, MetricSnapshot } from "../metrics/snapshot.ts";
import { CLOSE_CODES } from "../protocol/close-codes.ts";
import { FAILURE_CATEGORIES } from "../protocol/failure-category.ts";
import { RUN_STATES } from "../protocol/run-state.ts";
import type { Runs } from "../runs/runs.ts";
import { processUsage } from "../runtime/process-usage.ts";
import { platformText } from "../runtime/system.ts";
import type { Schedules } from "../schedules/schedules.ts";
import { VERSION } from "../version.ts";
import type { Measures } from "./measures.ts";

/** Ends after which the runner doesn't dial again. */
const NO_REDIAL: ReadonlySet<string> = new Set(["normal", "retired"]);
const RECONNECT_REASONS: readonly string[] = [
  "disconnected",
  ...Object.keys(CLOSE_CODES).filter((name) => !NO_REDIAL.has(name)),
];
const NOTHING: DurationsSnapshot = { count: 0, sumSeconds: 0, maxSeconds: 0, buckets: [] };

/** Where the numbers are. */
export interface CountingParts {
  readonly connection: Pick<Connection, "status" | "stats">;
  readonly runs: Pick<Runs, "table">;
  readonly schedules: Pick<Schedules, "counts" | "sizes">;
  readonly executor: Pick<Executor, "kind">;
  readonly measures: Measures;
}

/** Everything metrics are made of, read now. */
export function snapshotOf(
  { maxConcurrentRuns }: { readonly maxConcurrentRuns: number },
  { connection, runs, schedules, executor, measures }: CountingParts,
  watch: Pick<LoopWatch, "lagSeconds" | "cpuPercent">,
): MetricSnapshot {
  const { state, epoch } = connection.status();
  const line = connection.stats();
  const counts = runs.table.counts();
  const reports = runs.table.all();
  const executorTimes = measures.executor.read();
  return {
    build: { version: VERSION, executor: executor.kind, platform: platformText() },
    connection: {
      connected: state === "ready",
      epoch,
      dials: line.dials,
      reconnects: withZeros(RECONNECT_REASONS, line.reconnects),
      silentMs: line.silentMs,
      clockOffsetMs: line.clockOffsetMs,
      unacknowledgedReports: line.unacknowledged,
      unacknowledgedEnds: line.terminal,
      unacknowledgedLogBytes: line.unacknowledgedLogBytes,
    },
    verdicts: measures.verdicts(),
    secretReads: measures.secretReads(),
    runs: {
      created: counts.accepted,
      byState: new Map(RUN_STATES.map((one) => [one, reports.filter((report) => report.state === one).length])),
      live: runs.table.live().length,
      most: maxConcurrentRuns,
      ended: new Map(Object.entries(counts.ended)),
      failures: withZeros(Object.keys(FAILURE_CATEGORIES), counts.failures),
      logGapBytes: counts.logGapBytes,
    },
    schedules: {
      kept: schedules.sizes().schedules,
      waiting: schedules.sizes().waiting,
      fires: new Map(Object.entries(schedules.counts())),
    },
    durations: {
      server: measures.server.read(),
      executor: executorTimes,
      argo: executor.kind === "argo" ? executorTimes : NOTHING,
      dispatch: measures.dispatch.read(),
    },
    usage: {
      startedAtSeconds: performance.timeOrigin / 1000,
      ...processUsage(),
      cpuPercent: watch.cpuPercent,
      loopLagSeconds: watch.lagSeconds,
    },
  };
}

/** A count that hasn't happened yet is 0 and not absent, so that its first step is seen as one. */
function withZeros(words: readonly string[], counts: CountsByWord): CountsByWord {
  return new Map([...words.map((word) => [word, 0] as const), ...counts]);
}
