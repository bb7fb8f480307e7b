import { expect, test } from "vitest";
import { silentLog } from "../../../src/base/log.ts";
import { watchTokens } from "../../../src/gateway/auth/token-watch.ts";
import type { SessionInfo } from "../../../src/gateway/sessions/sessions.ts";
import type { TokenRecord } from "../../../src/gateway/store/store.ts";
import { FakeClock } from "../../fakes/clock.ts";

function session(tokenId: string): SessionInfo {
  return {
    runnerId: tokenId,
    epoch: 1,
    instanceId: "i",
    installationId: "p",
    runnerVersion: "1",
    executor: "process",
    platform: "test",
    maxConcurrentRuns: 1,
    operations: [],
    state: "ready",
    connectedAt: 0,
    orphans: [],
    refused: [],
    tokenId,
  };
}

test("watchTokens ends the sessions of tokens that are revoked, expired or not on record within 15 s, and no others", async () => {
  const clock = new FakeClock();
  const now = clock.now();
  const token = (tokenId: string, more: Partial<TokenRecord> = {}): TokenRecord => {
    return { tokenId, sha256: "0", createdAt: 0, ...more };
  };
  let tokens = [token("lost"), token("good"), token("short", { expiresAt: now + 60_000 }), token("revoked")];
  const ended: string[] = [];
  const live = new Map(["good", "short", "revoked", "lost"].map((name) => [name, session(name)]));
  const stop = watchTokens({
    store: { listTokens: async () => tokens },
    sessions: {
      connected: () => live,
      end: (which, name, reason) => {
        for (const info of live.values()) if (which(info)) ended.push(`${info.runnerId}: ${name}, ${reason}`);
        for (const line of ended) live.delete(line.split(":")[0] ?? "");
      },
    },
    clock,
    log: silentLog,
  });
  await clock.advance(30_000);
  expect(ended).toEqual([]);
  tokens = tokens.map((one) => (one.tokenId === "revoked" ? { ...one, revokedAt: clock.now() } : one));
  await clock.advance(15_000);
  expect(ended).toEqual(["revoked: unauthorized, the runner's token was revoked"]);
  // 30 s are left for clocks that are apart, as at the dial.
  await clock.advance(60_000 + 15_000);
  expect(ended.slice(1)).toEqual(["short: unauthorized, the runner's token has expired"]);
  // As with a row that can't be read any more.
  tokens = tokens.filter((one) => one.tokenId !== "lost");
  await clock.advance(15_000);
  expect(ended.slice(2)).toEqual([expect.stringMatching(/^lost: unauthorized, the gateway can't read its record/)]);
  expect([...live.keys()]).toEqual(["good"]);
  await stop();
  expect(clock.waiting).toBe(0);
});

test("watchTokens goes on when the store failed", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const stop = watchTokens({
    store: {
      listTokens: () => {
        asked += 1;
        return Promise.reject(new Error("busy"));
      },
    },
    sessions: { connected: () => new Map([["a", session("a")]]), end: () => undefined },
    clock,
    log: silentLog,
  });
  await clock.advance(25_000);
  expect(asked).toBe(2);
  await stop();
});
