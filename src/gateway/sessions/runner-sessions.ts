import { type Clock, withLimit } from "../../base/clock.ts";

import { CodedError, describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import { GATEWAY_ERRORS } from "../errors.ts";
import type { RunRecord, Store } from "../store/store.ts";
import { createAddedRunsPace } from "./added-runs-pace.ts";
import { createEventHub } from "./events.ts";
import { createFleet } from "./fleet.ts";
import type { Capture, LinkEnd } from "./link.ts";
import { createRunBook } from "./run-book.ts";
import { Session } from "./session.ts";
import type { LiveSession, SessionShared } from "./session-shared.ts";
import type { LostSession, RunnerSessions, SessionInfo } from "./sessions.ts";
import { SupersededInstances } from "./superseded-instances.ts";
import { startSweeps } from "./sweeps.ts";
import { createWaitingReasons } from "./waiting.ts";

const MAX_SOCKETS = 2000;
const CLOSE_LIMIT_MS = 4000;

/** What the sessions stand on. */
export interface RunnerSessionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly gatewayVersion: string;
  /** OpenMetadata's API as the ingestion program shall call it. */
  readonly serverApiUrl?: string | undefined;
  /** Of the OpenMetadata server; the runners are told it. */
  readonly serverVersion?: string | undefined;
  /** Gets the exact text of every frame. */
  readonly capture?: Capture | undefined;
  /** Called when a runner has connected, is in step, or has gone. */
  readonly onChange?: ((runnerId: string) => void) | undefined;
}

/** Starts the gateway's half of the protocol; `close` ends it. */
export function createRunnerSessions(options: RunnerSessionsOptions): RunnerSessions {
  const { store, clock, log, onChange } = options;
  const runChanges = createEventHub<RunRecord>("changes of runs", log);
  const logChanges = createEventHub<string>("growing logs", log);
  const sockets = new Set<Session>();
  const live = new Map<string, LiveSession>();
  const reasonOf = createWaitingReasons(store, (runnerId) => {
    const session = live.get(runnerId);
    if (session === undefined) return undefined;
    return { isReady: session.info?.state === "ready", waitingOf: (runId) => session.waitingOf(runId) };
  });
  const book = createRunBook(store, clock, runChanges, reasonOf, createAddedRunsPace(clock, log));
  const losses = new Map<string, LostSession>();
  const touches = new Set<Promise<void>>();
  const sweeps = startSweeps({
    store,
    book,
    clock,
    log,
    isConnected: (runnerId) => live.has(runnerId),
    onTick: () => {
      touchLive();
      countFleet();
    },
  });
  const fleet = createFleet(store, () => live.size, clock, log);
  let counting: Promise<void> = fleet.count();
  let closing: Promise<void> | undefined;

  const shared: SessionShared = {
    store,
    clock,
    log,
    book,
    gatewayVersion: options.gatewayVersion,
    serverVersion: options.serverVersion,
    settings: { serverApiUrl: options.serverApiUrl },
    capture: options.capture,
    spreadSeconds: () => fleet.spreadSeconds(),
    logAppended: logChanges.emit,
    liveSession: (runnerId) => live.get(runnerId),
    enlist: (session) => {
      const older = live.get(session.runnerId);
      if (older !== undefined && older.epoch > session.epoch) return false;
      live.set(session.runnerId, session);
      older?.close("superseded", "a newer session of this runner has taken over");
      return true;
    },
    superseded: new SupersededInstances(),
    changed: (session) => onChange?.(session.runnerId),
    ended: (session, trouble) => {
      if (trouble !== undefined) noteLoss(session.runnerId, trouble);
      if (live.get(session.runnerId) !== session) return;
      live.delete(session.runnerId);
      onChange?.(session.runnerId);
      touch(session.runnerId);
    },
  };

  function noteLoss(runnerId: string, { name, reason }: LinkEnd): void {
    losses.delete(runnerId);
    losses.set(runnerId, { at: clock.now(), close: name, reason: describeError(reason) });
    const [oldest] = losses.keys();
    if (losses.size > MAX_SOCKETS && oldest !== undefined) losses.delete(oldest);
  }

  function countFleet(): void {
    counting = fleet.count();
  }

  /** A live session was heard from within the silence limit, so now is near enough. */
  function touchLive(): void {
    for (const runnerId of live.keys()) touch(runnerId);
  }

  function touch(runnerId: string): void {
    const work = store
      .touchRunner(runnerId, clock.now())
      .catch((error: unknown) => log.warn("Cannot note when a runner was last seen", { runnerId, error }))
      .finally(() => touches.delete(work));
    touches.add(work);
  }

  return {
    accept(socket, identity) {
      const session = new Session(socket, identity, shared);
      sockets.add(session);
      void session.finished().finally(() => sockets.delete(session));
      if (closing !== undefined) session.close("goingAway", "the gateway is shutting down");
      else if (sockets.size > MAX_SOCKETS) session.close("tooMany", `${MAX_SOCKETS} sessions are open`);
    },

    connected() {
      const infos = [...live.values()].flatMap((session): [string, SessionInfo][] => {
        const { info } = session;
        return info === undefined ? [] : [[info.runnerId, info]];
      });
      return new Map(infos);
    },

    lastLoss: (runnerId) => losses.get(runnerId),

    end(which, name, reason) {
      for (const session of [...live.values()]) {
        if (session.info !== undefined && which(session.info)) session.close(name, reason);
      }
    },

    async endRuns(runnerId, why) {
      const open = await store.openRuns(runnerId);
      await book.abandon(open, why);
      return open.length;
    },

    wake(runnerId, changed) {
      const session = live.get(runnerId);
      if (session === undefined) sweeps.settleRunner(runnerId);
      else session.wake(changed);
    },

    async ask(runnerId, operation) {
      const session = live.get(runnerId);
      const verdict = session?.ask(operation);
      if (verdict !== undefined) return verdict;
      const state = session === undefined ? "it is not connected" : "it has only just connected";
      const message = `Cannot ask runner ${runnerId} (${operation.type}): ${state}`;
      throw new CodedError(GATEWAY_ERRORS.RunnerNotConnected, message);
    },

    waitingReason: reasonOf,
    announceRun: runChanges.emit,
    onRunChanged: runChanges.listen,
    onLogAppended: logChanges.listen,

    close(name = "goingAway", reason = "the gateway is shutting down") {
      closing ??= (async () => {
        await sweeps.stop();
        const open = [...sockets];
        for (const session of open) session.close(name, reason);
        await withLimit(clock, CLOSE_LIMIT_MS, Promise.all(open.map((session) => session.finished())), () => {
          return new Error(`sessions did not end within ${CLOSE_LIMIT_MS} ms`);
        }).catch((error: unknown) => log.warn("Not all sessions ended cleanly", { error: describeError(error) }));
        await Promise.all([...touches, counting]);
      })();
      return closing;
    },
  };
}
