import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import { Scope } from "../base/scope.ts";
import { openFile } from "../config/exposure.ts";
import { environment } from "../runtime/system.ts";
import { VERSION } from "../version.ts";
import { createApi } from "./api/api.ts";
import { createRunFeed } from "./api/run-feed.ts";
import { adminTokenPath, openAdminToken } from "./auth/admin-token.ts";
import { FailureLimit } from "./auth/failure-limit.ts";
import { watchTokens } from "./auth/token-watch.ts";
import { type GatewayConfig, gatewayVariable } from "./config.ts";
import { isFirstStart, logCeilings, openGatewayData } from "./data-directory.ts";
import { lockGatewayData } from "./directory-lock.ts";
import { openFrameCapture } from "./frame-capture.ts";
import { startRetention } from "./retention.ts";
import { isLoopback, listenForAll, proveListening } from "./server.ts";
import { refreshDeployed } from "./sessions/refresh-deployed.ts";
import { createRunnerSessions } from "./sessions/runner-sessions.ts";
import { createUpgradeHandler } from "./upgrade.ts";

/** A gateway at work. */
export interface Gateway {
  readonly port: number;
  /** `http://host:port`, under which API and runners find it. */
  readonly url: string;
  /** Says goodbye to the runners, ends requests and live streams, and closes the store; each within a limit. */
  close(): Promise<void>;
}

const STOP_LIMIT_MS = 5_000;
const REQUEST_LIMIT_MS = 3_000;

/**
 * Starts a gateway: what it remembers, the runners' sessions, the API, and the port they all come in by.
 * @throws CodedError GatewayRunsAlready, GatewayDirectoryUnusable, KeyFileUnusable, StoreUnavailable, StoreTooNew, WrongStoreKey, FrameCaptureUnusable, ListenFailed; nothing is left running then, and no data of a first start that could not listen
 */
export async function startGateway(
  config: GatewayConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<Gateway> {
  const scope = new Scope(clock, log);
  try {
    if (await isFirstStart(config)) await proveListening(config, clock);
    const lock = await lockGatewayData(config.dataDirectory);
    scope.own("lock", () => lock.release());
    const { store, keys } = await openGatewayData(config, { clock, log, ceilings: logCeilings(config) });
    scope.own("store", () => store.close());
    const adminToken = await openAdminToken(config);
    await refreshDeployed(store, config, { clock, log });

    const capture =
      config.captureFrames === undefined ? undefined : await openFrameCapture(config.captureFrames, clock);
    scope.own("frame capture", () => capture?.close());
    const sessions = createRunnerSessions({
      store,
      clock,
      log,
      gatewayVersion: VERSION,
      serverApiUrl: config.serverApiUrl,
      serverVersion: config.serverVersion,
      capture: capture?.note,
    });
    const feed = createRunFeed(sessions);
    scope.own("run feed", () => feed.close());

    const stopping = new AbortController();
    const { serverApiUrl, queueTimeoutSeconds, keepRuns, keepRunsDays } = config;
    const shared = { store, sessions, stopping: stopping.signal, clock, log };
    const api = createApi({
      ...shared,
      feed,
      adminToken,
      keys,
      failures: new FailureLimit(clock),
      serverApiUrl,
      queueTimeoutSeconds,
    });
    const upgrade = createUpgradeHandler({ ...shared, keys, failures: new FailureLimit(clock) });

    const listener = await listenForAll(config, api, upgrade, clock);
    scope.own("listener", () => listener.close(REQUEST_LIMIT_MS));
    scope.own("sessions", () => sessions.close());
    scope.own("token watch", watchTokens({ store, sessions, clock, log }));
    scope.own("retention", startRetention({ store, keepRuns, keepRunsDays, clock, log }));
    scope.own("live streams and new sessions", () => stopping.abort());
    warnOfPlainText(config, log);
    for (const warning of await openFiles(config)) log.warn(warning);
    log.info("The gateway listens", {
      url: listener.url,
      dataDirectory: config.dataDirectory,
      adminToken: config.adminToken === undefined ? adminTokenPath(config) : "from the environment",
    });
    return { port: listener.port, url: listener.url, close: () => scope.close(STOP_LIMIT_MS) };
  } catch (error) {
    await scope.close(STOP_LIMIT_MS);
    throw error;
  }
}

/** Files of secrets that lie where others can read them. */
async function openFiles(config: GatewayConfig): Promise<readonly string[]> {
  const token = config.adminToken === undefined ? adminTokenPath(config) : undefined;
  const warnings = [
    openFile(gatewayVariable("adminTokenFile"), token, environment()),
    openFile(gatewayVariable("tlsKeyFile"), config.tlsKeyFile, environment()),
    openFile(gatewayVariable("storeKeyFile"), config.storeKeyFile, environment()),
  ];
  return (await Promise.all(warnings)).flat();
}

function warnOfPlainText({ host, tlsCertFile, captureFrames }: GatewayConfig, log: Log): void {
  if (tlsCertFile === undefined && !isLoopback(host)) {
    log.warn(
      "The gateway listens without TLS on an address that others reach: tokens and configurations travel readable",
      {
        host,
        next: "set --tls-cert-file and --tls-key-file, or put a proxy with TLS in front and listen on 127.0.0.1",
      },
    );
  }
  if (captureFrames !== undefined) {
    log.warn("Every frame is written down, with configurations and bot tokens", { file: captureFrames });
  }
}
