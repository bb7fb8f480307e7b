import type { Clock } from "../../base/clock.ts";
import { describeError } from "../../base/errors.ts";
import type { Log } from "../../base/log.ts";
import type { RunnerSessions } from "../sessions/sessions.ts";
import type { Store } from "../store/store.ts";
import { tokenEnd } from "./runner-tokens.ts";

/** With this a session ends within 15 s after its token. */
const LOOK_MS = 10_000;

const REASONS = {
  revoked: "the runner's token was revoked",
  expired: "the runner's token has expired",
  lost: "the gateway can't read its record of the runner's token, or has it no longer",
} as const;

/** What the watch stands on. */
export interface TokenWatchOptions {
  readonly store: Pick<Store, "listTokens">;
  readonly sessions: Pick<RunnerSessions, "connected" | "end">;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Ends live sessions whose token was revoked or has expired: the dial checks it only once. Tokens are revoked by another
 * process, so the store is asked again and again. A token whose record is gone or can't be read isn't believed. The answer stops the watch and resolves when it reads nothing more.
 */
export function watchTokens(options: TokenWatchOptions): () => Promise<void> {
  const { store, sessions, clock, log } = options;
  let stopped = false;
  let cancel: () => void = () => undefined;
  let work: Promise<void> = Promise.resolve();

  async function look(): Promise<void> {
    // Whoever comes while the list is read may have a token that isn't in it yet.
    const present = new Set([...sessions.connected().values()].flatMap(({ tokenId }) => tokenId ?? []));
    if (present.size === 0) return;
    const ends = new Map<string, keyof typeof REASONS>([...present].map((tokenId) => [tokenId, "lost"]));
    for (const token of await store.listTokens()) {
      const end = tokenEnd(token, clock.now());
      if (end === undefined) ends.delete(token.tokenId);
      else if (present.has(token.tokenId)) ends.set(token.tokenId, end);
    }
    if (stopped) return;
    for (const [end, reason] of Object.entries(REASONS)) {
      sessions.end(({ tokenId }) => tokenId !== undefined && ends.get(tokenId) === end, "unauthorized", reason);
    }
  }

  function arm(): void {
    cancel = clock.schedule(LOOK_MS, () => {
      work = look()
        .catch((error: unknown) => log.warn("Cannot see which tokens are still good", { error: describeError(error) }))
        .finally(() => {
          if (!stopped) arm();
        });
    });
  }

  arm();
  return async () => {
    stopped = true;
    cancel();
    await work;
  };
}
