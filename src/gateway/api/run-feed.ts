import type { RunnerSessions, Unsubscribe } from "../sessions/sessions.ts";

/** Tells those who follow a run that something about it changed: its record, or the length of its log. */
export interface RunFeed {
  /** Calls `changed` at each change of this run. */
  subscribe(runId: string, changed: () => void): Unsubscribe;
  /** Lets go of the sessions. */
  close(): void;
}

/** Makes the feed: one listener at the sessions, however many follow. */
export function createRunFeed(sessions: Pick<RunnerSessions, "onRunChanged" | "onLogAppended">): RunFeed {
  const followers = new Map<string, Set<() => void>>();
  const tell = (runId: string): void => {
    for (const changed of followers.get(runId) ?? []) changed();
  };
  const ends = [sessions.onRunChanged((run) => tell(run.runId)), sessions.onLogAppended(tell)];
  return {
    subscribe(runId, changed) {
      const own = followers.get(runId) ?? new Set();
      followers.set(runId, own.add(changed));
      return () => {
        own.delete(changed);
        if (own.size === 0 && followers.get(runId) === own) followers.delete(runId);
      };
    },
    close: () => {
      for (const end of ends) end();
    },
  };
}
