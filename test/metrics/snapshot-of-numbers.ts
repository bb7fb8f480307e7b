import type { MetricSnapshot } from "../../src/metrics/snapshot.ts";

/** A snapshot in which every number is another one, so that a mix-up shows. */
export function snapshotOfNumbers(): MetricSnapshot {
  const durations = (count: number): MetricSnapshot["durations"]["server"] => ({
    count,
    sumSeconds: count + 0.25,
    maxSeconds: count + 0.5,
    buckets: [
      { boundSeconds: 0.005, count: 1 },
      { boundSeconds: 1, count: 2 },
    ],
  });
  return {
    build: { version: "1.2.3", executor: "process", platform: 'a "quoted"\nplatform' },
    connection: {
      connected: true,
      epoch: 7,
      dials: 11,
      reconnects: new Map([
        ["disconnected", 3],
        ["unauthorized", 0],
      ]),
      silentMs: 1500,
      clockOffsetMs: -2000,
      unacknowledgedReports: 5,
      unacknowledgedEnds: 2,
      unacknowledgedLogBytes: 4096,
    },
    verdicts: [
      { outcome: "accepted", reason: "", count: 13 },
      { outcome: "refused", reason: "full", count: 1 },
    ],
    secretReads: {
      provider: "file",
      byResult: new Map([
        ["found", 23],
        ["denied", 0],
      ]),
    },
    runs: {
      created: 17,
      byState: new Map([["running", 4]]),
      live: 6,
      most: 10,
      ended: new Map([
        ["success", 8],
        ["failed", 9],
      ]),
      failures: new Map([["ExitCode", 9]]),
      logGapBytes: 1234,
    },
    schedules: {
      kept: 9,
      waiting: 1,
      fires: new Map([
        ["started", 5],
        ["skipped", 2],
        ["missed", 0],
      ]),
    },
    durations: { server: durations(21), executor: durations(31), argo: durations(41), dispatch: durations(51) },
    usage: {
      startedAtSeconds: 1_700_000_000,
      heapBytes: 10 * 1_048_576,
      residentBytes: 50_000_000,
      cpuSeconds: 1.5,
      cpuPercent: 12.5,
      openFiles: 19,
      loopLagSeconds: 0.002,
    },
  };
}
