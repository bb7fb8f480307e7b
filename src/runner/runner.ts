import { clip } from "../base/clip.ts";
import type { Clock } from "../base/clock.ts";
import { KeyedQueue } from "../base/keyed-queue.ts";
import type { Log } from "../base/log.ts";
import { Pulses } from "../base/pulses.ts";
import { Scope } from "../base/scope.ts";
import { type Connection, createConnection, type RunnerFacts } from "../connection/connection.ts";
import type { ConnectionStatus } from "../connection/runner-side.ts";
import { ABSENT_EXECUTORS } from "../executor/catalogue.ts";
import { Pipelines } from "../pipelines/pipelines.ts";
import { openPolicy } from "../policy/policy.ts";
import { isTerminal } from "../protocol/run-state.ts";
import { Runs } from "../runs/runs.ts";
import { type ProxyAddress, readProxy } from "../runtime/proxy-address.ts";
import { proxyFor } from "../runtime/proxy-environment.ts";
import { environment, place, platformText } from "../runtime/system.ts";
import { Schedules, type SchedulesOptions } from "../schedules/schedules.ts";
import { VERSION } from "../version.ts";
import { Adoption } from "./adoption.ts";
import { type Calendar, clusterCalendar } from "./calendar.ts";
import { openGatewayTrust } from "./gateway-trust.ts";
import { Measures } from "./measures.ts";
import { startMetrics } from "./metrics.ts";
import { Refreshes } from "./refreshes.ts";
import { OPERATIONS } from "./router.ts";
import { runnerSide } from "./runner-side.ts";
import { scheduledRuns } from "./scheduled-runs.ts";
import { ServerVersion } from "./server-version.ts";
import { timedExecutor } from "./timed-executor.ts";
import { tokenSource } from "./token.ts";
import { openWorkplace, type RunnerSettings, type Workplace } from "./workplace.ts";

/** A runner at work. */
export interface Runner {
  status(): ConnectionStatus;
  /** Accepts nothing more, brings states out, disconnects. Runs go on and are found again by the next process. */
  stop(): Promise<void>;
}

/** How long a part may take to stop; only the connection needs time, so all of it stays under 10 s. */
const STOP_LIMIT_MS = 8000;

const BYTES_PER_MEGABYTE = 1_000_000;

/** The logs are looked at four times a second; after this long without it that loop is stuck. */
const LOGS_LIMIT_MS = 60_000;
/** The schedules are looked at every 30 s at least; a fire may wait for what is done to its pipeline. */
const SCHEDULES_LIMIT_MS = 180_000;

/** How long states not yet acknowledged are waited for. */
const FLUSH_MS = 3000;

/**
 * Starts the runner, in the order of the story: what was there before is read back before new work is accepted.
 * @throws CodedError when the data directory, the executor or a file named in the settings can't be used
 */
export async function startRunner(settings: RunnerSettings, clock: Clock, log: Log): Promise<Runner> {
  const scope = new Scope(clock, log);
  try {
    return await start(settings, clock, log, scope);
  } catch (error) {
    await scope.close(STOP_LIMIT_MS);
    throw error;
  }
}

async function start(settings: RunnerSettings, clock: Clock, log: Log, scope: Scope): Promise<Runner> {
  const measures = new Measures(clock, settings.secretsManager);
  const pulses = new Pulses(clock);
  let connection: Connection | undefined;
  const isStandby = (): boolean => connection?.status().state === "standby";
  const server = new ServerVersion();
  const fires = { started: 0, skipped: 0 };
  const hooks = {
    isStandby,
    serverVersion: () => server.current(),
    onSecretReads: measures.onSecretReads,
    onFire: (result: keyof typeof fires) => void fires[result]++,
  };
  // Before there is a data directory: what names a file in vain shall leave none.
  const caCertificates = await openGatewayTrust(settings, log);
  const place = await openWorkplace(settings, hooks, clock, log);
  scope.own("workplace", () => place.close());
  const executor = timedExecutor(place.executor, measures.executor, clock);
  scope.own("executor", () => executor.close());
  const pipelines = await Pipelines.open(place.pipelines, {
    most: settings.maxPipelines,
    mostBytes: settings.pipelinesLimitMegabytes * 1_000_000,
  });

  let schedules: Calendar | undefined;
  let connectionSince = clock.monotonic();
  let draining = false;
  let logsBeat = (): void => undefined;
  let schedulesBeat = (): void => undefined;
  const runs = new Runs({
    executor,
    pipelines,
    maxConcurrentRuns: settings.maxConcurrentRuns,
    clock,
    log,
    emit: (report) => {
      connection?.put(report);
      if (isTerminal(report.state)) schedules?.wake();
    },
    wakeLogs: () => connection?.wake(),
    onLogPoll: () => logsBeat(),
    logLimitBytes: settings.runLogLimitMegabytes * BYTES_PER_MEGABYTE,
  });
  scope.own("runs", () => runs.close());

  const [turns, policy] = [new KeyedQueue(), openPolicy];
  const ordered = scheduledRuns({ policy, pipelines, runs, isStandby });
  const calendar = await openCalendar(
    place,
    fires,
    { runs: ordered, turns, clock, log, onTurn: () => schedulesBeat() },
    pipelines,
  );
  schedules = calendar;

  const closing = new AbortController();
  const adoption = new Adoption({ adopt: () => runs.adopt(), executor, clock, log, signal: closing.signal });
  scope.own("adoption", () => closing.abort());
  const refreshes = new Refreshes({ ...hooks, refresh: (signal) => place.refresh(signal) });
  scope.own("refreshes", () => refreshes.stop());
  connection = createConnection({
    url: settings.serverUrl,
    token: tokenSource(settings),
    runner: runnerFacts(settings, executor.kind, place.installationId),
    reconnectFloorMs: settings.reconnectDelaySeconds * 1000,
    side: runnerSide({
      turns,
      log,
      policy,
      pipelines,
      runs,
      schedules: calendar,
      executor,
      unknownRuns: () => adoption.unknown(),
    }),
    clock,
    log,
    onWelcome: (welcome) => server.noteWelcome(welcome),
    onStatus: (status) => {
      connectionSince = clock.monotonic();
      log.info("Connection", { ...status });
      refreshes.onState(status.state);
    },
    onOperation: measures.onOperation,
    onRoundTrip: measures.onRoundTrip,
    ...(caCertificates === undefined ? {} : { caCertificates }),
    ...wayOut(settings.serverUrl, log),
  });
  const line = connection;
  // Before the rest, so that probes are answered while runs are taken up again, and until the connection is closed.
  await startMetrics(settings, {
    connection: line,
    connectionSince: () => connectionSince,
    runs,
    schedules: calendar,
    executor,
    executorIsAbsent: ABSENT_EXECUTORS.includes(settings.executorType),
    measures,
    pulses,
    isDraining: () => draining,
    scope,
    clock,
    log,
  });
  scope.own("connection", () => line.close("normal", FLUSH_MS));
  scope.own("intake", () => {
    draining = true;
    runs.drain();
  });
  scope.own("schedules", () => calendar.stop());

  const begin = (): void => {
    if (place.schedules !== undefined) schedulesBeat = pulses.loop("schedules", SCHEDULES_LIMIT_MS);
    calendar.start();
    logsBeat = pulses.loop("logs", LOGS_LIMIT_MS);
  };
  const onLate = (): void => {
    begin();
    line.greetAnew();
  };
  if (await adoption.begin(onLate)) begin();
  line.start();
  return { status: () => line.status(), stop: () => scope.close(STOP_LIMIT_MS) };
}

/** Without records of its own the runner leaves the firing to its cluster. */
async function openCalendar(
  { schedules: records }: Workplace,
  fires: Parameters<typeof clusterCalendar>[0],
  parts: Omit<SchedulesOptions, "records">,
  pipelines: Pipelines,
): Promise<Calendar> {
  if (records === undefined) return clusterCalendar(fires);
  return Schedules.open({ ...parts, records }, pipelines.heads());
}

function runnerFacts(settings: RunnerSettings, executor: string, installationId: string): RunnerFacts {
  const { host } = place();
  return {
    runnerId: settings.agentId,
    installationId,
    instanceId: crypto.randomUUID(),
    runnerVersion: VERSION,
    executor,
    platform: platformText(),
    ...(host === "" ? {} : { host: clip(host, 255) }),
    operations: OPERATIONS,
    maxConcurrentRuns: settings.maxConcurrentRuns,
    ...(settings.ingestionVersion === undefined ? {} : { ingestionVersion: settings.ingestionVersion }),
  };
}

/** The proxy on the way to the gateway, where the environment names one. */
function wayOut(serverUrl: string, log: Log): { proxy?: ProxyAddress } {
  const named = proxyFor(new URL(serverUrl), environment());
  if (named === undefined) return {};
  const proxy = readProxy(named.text);
  log.info("The gateway is dialled through a proxy", { proxy: proxy.name, variable: named.variable });
  return { proxy };
}
