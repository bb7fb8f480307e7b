import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Scope } from "../base/scope.ts";
import type { Settings } from "../config/settings.ts";
import type { Connection } from "../connection/connection.ts";
import type { Runs } from "../runs/runs.ts";

/** Serves metrics and probes when a port is configured; their code is loaded only then. */
export async function startMetrics(
  settings: Pick<Settings, "metricsServerPort" | "metricsServerPath">,
  parts: {
    readonly connection: Connection;
    readonly runs: Runs;
    readonly scope: Scope;
    readonly clock: Clock;
    readonly log: Log;
  },
): Promise<void> {
  if (settings.metricsServerPort === undefined) return;
  const { connection, runs, scope, clock, log } = parts;
  const { startMetricsServer } = await import("../metrics/server.ts");
  const listener = await startMetricsServer({
    port: settings.metricsServerPort,
    path: settings.metricsServerPath,
    clock,
    notReady: () =>
      connection.status().state === "ready" ? undefined : (connection.status().reason ?? connection.status().state),
    sources: {
      connected: () => connection.status().state === "ready",
      runCounts: () => runs.table.counts(),
      liveRuns: () => runs.table.live().length,
    },
  });
  scope.own("metrics", () => listener.close(1000));
  log.info("Metrics and probes are served", { url: listener.url });
}
