import type { HttpBindings } from "@hono/node-server";
import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import type { Sensitive } from "../../base/sensitive.ts";
import type { FailureLimit } from "../auth/failure-limit.ts";
import type { TokenKeys } from "../auth/keys.ts";
import type { RunnerSessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import type { RunFeed } from "./run-feed.ts";

/** What every part of the API is built from. */
export interface ApiDependencies {
  readonly store: Store;
  readonly sessions: Pick<
    RunnerSessions,
    "connected" | "lastLoss" | "end" | "endRuns" | "wake" | "ask" | "announceRun" | "waitingReason"
  >;
  readonly feed: RunFeed;
  readonly adminToken: Sensitive;
  /** What runner tokens are signed with. */
  readonly keys: TokenKeys;
  readonly failures: FailureLimit;
  /** See GatewayConfig. */
  readonly serverApiUrl: string | undefined;
  readonly queueTimeoutSeconds: number;
  /** Aborted when the gateway stops: ends the live streams. */
  readonly stopping: AbortSignal;
  readonly clock: Clock;
  readonly log: Log;
}

/** What hono hands to each handler beside the request. */
export interface ApiEnvironment {
  readonly Bindings: HttpBindings;
}
