import type { Clock } from "../base/clock.ts";
import { describeError } from "../base/errors.ts";
import type { Log } from "../base/log.ts";
import type { Pulses } from "../base/pulses.ts";
import type { Scope } from "../base/scope.ts";
import type { Settings } from "../config/settings.ts";
import type { Connection } from "../connection/connection.ts";
import type { Executor } from "../executor/executor.ts";
import type { MetricsServerOptions } from "../metrics/server.ts";
import type { Runs } from "../runs/runs.ts";
import type { Calendar } from "./calendar.ts";
import { stuckLoops } from "./liveness.ts";
import type { Measures } from "./measures.ts";
import { readiness } from "./readiness.ts";
import { snapshotOf } from "./snapshot.ts";

/** What metrics and probes look at. */
export interface Observed {
  readonly connection: Connection;
  /** When the connection came into its present state, on the steady clock. */
  readonly connectionSince: () => number;
  readonly runs: Runs;
  readonly schedules: Calendar;
  readonly executor: Executor;
  readonly executorIsAbsent: boolean;
  readonly measures: Measures;
  readonly pulses: Pulses;
  readonly isDraining: () => boolean;
  readonly scope: Scope;
  readonly clock: Clock;
  readonly log: Log;
}

/** The settings that say where metrics and probes are served. */
export type MetricsSettings = Pick<
  Settings,
  "metricsServerPort" | "metricsServerPath" | "metricsServerHost" | "appServerPort" | "maxConcurrentRuns"
>;

/** The timers are looked at every second; this much later there is something very wrong. */
const TIMERS_LIMIT_MS = 60_000;
/** Older charts scrape there (facts: collate-hybrid-runner §1.5). */
const OLD_PATH = "/prometheus";

/** Serves metrics and probes where the settings say so; their code is loaded only then. A port that is taken is told, and the runner works without. */
export async function startMetrics(settings: MetricsSettings, observed: Observed): Promise<void> {
  const { metricsServerPort: port, metricsServerPath: path, appServerPort } = settings;
  if (port === undefined && appServerPort === undefined) return;
  const { LoopWatch } = await import("../metrics/loop-watch.ts");
  const { connection, connectionSince, pulses, clock, executor, executorIsAbsent, isDraining } = observed;
  const watch = new LoopWatch(clock, pulses.loop("timers", TIMERS_LIMIT_MS));
  watch.start();
  observed.scope.own("loop watch", () => watch.stop());
  const served = {
    host: settings.metricsServerHost,
    clock,
    snapshot: () => snapshotOf(settings, observed, watch),
    notReady: readiness({ connection: () => connection.status(), isDraining, executor, executorIsAbsent, clock }),
    stuck: () =>
      stuckLoops(pulses, {
        state: connection.status().state,
        inStateMs: clock.monotonic() - connectionSince(),
        silentMs: connection.stats().silentMs,
      }),
  };
  if (port !== undefined) await serve({ ...served, port, paths: [path] }, "METRICS_SERVER_PORT", observed);
  if (appServerPort !== undefined)
    await serve({ ...served, port: appServerPort, paths: [path, OLD_PATH] }, "APP_SERVER_PORT", observed);
}

async function serve(options: MetricsServerOptions, setting: string, { scope, log }: Observed): Promise<void> {
  const { startMetricsServer } = await import("../metrics/server.ts");
  try {
    const listener = await startMetricsServer(options);
    scope.own(`metrics on port ${options.port}`, () => listener.close(500));
    log.info("Metrics and probes are served", { url: listener.url, metrics: options.paths.join(" ") });
  } catch (error) {
    log.error("Metrics and probes can't be served; the runner works without them", {
      host: options.host,
      port: options.port,
      error: describeError(error),
      next: `Free the port, or set ${setting} to another one or to off`,
    });
  }
}
