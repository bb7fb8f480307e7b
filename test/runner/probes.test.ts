import { expect, test } from "vitest";
import { Pulses } from "../../src/base/pulses.ts";
import type { ConnectionStatus } from "../../src/connection/runner-side.ts";
import { type ConnectionAge, stuckLoops } from "../../src/runner/liveness.ts";
import { READINESS_WORDS, readiness } from "../../src/runner/readiness.ts";
import { FakeClock } from "../fakes/clock.ts";

const READY: ConnectionAge = { state: "ready", inStateMs: 10_000_000, silentMs: 5_000 };

test("a loop that no longer goes round is stuck, and only that one", async () => {
  const clock = new FakeClock();
  const pulses = new Pulses(clock);
  const logs = pulses.loop("logs", 60_000);
  pulses.loop("timers", 60_000);
  await clock.advance(60_000);
  expect(stuckLoops(pulses, READY)).toEqual([]);
  logs();
  await clock.advance(1_000);
  expect(stuckLoops(pulses, READY)).toEqual(["stuck: timers, nothing for 61 s"]);
});

test.each([
  [{ state: "dialing", inStateMs: 80_000, silentMs: undefined }, []],
  [{ state: "dialing", inStateMs: 91_000, silentMs: undefined }, ["stuck: connection dialing, nothing for 91 s"]],
  [{ state: "greeting", inStateMs: 131_000, silentMs: 1 }, ["stuck: connection greeting, nothing for 131 s"]],
  [{ state: "waiting", inStateMs: 3_700_000, silentMs: 3_700_000 }, []],
  [{ state: "waiting", inStateMs: 4_501_000, silentMs: undefined }, ["stuck: connection waiting, nothing for 4501 s"]],
  [{ state: "ready", inStateMs: 900_000, silentMs: 301_000 }, ["stuck: connection ready, nothing for 301 s"]],
  [{ state: "ready", inStateMs: 100, silentMs: 900_000 }, []],
  [{ state: "standby", inStateMs: 90_000_000, silentMs: 90_000_000 }, []],
  [{ state: "closed", inStateMs: 90_000_000, silentMs: undefined }, []],
] as const)("a connection that is %j is stuck: %j", (age, expected) => {
  expect(stuckLoops(new Pulses(new FakeClock()), age)).toEqual(expected);
});

interface Case {
  readonly connection: ConnectionStatus;
  readonly draining?: boolean;
  readonly absent?: boolean;
  readonly healthy?: boolean;
}

function wordsOf({ connection, draining = false, absent = false, healthy = true }: Case): Promise<readonly string[]> {
  const notReady = readiness({
    connection: () => connection,
    isDraining: () => draining,
    executor: { check: async () => ({ healthy, message: "the disk\nis full" }) },
    executorIsAbsent: absent,
    clock: new FakeClock(),
  });
  return notReady().then((lines) => lines.map((line) => line.split(":")[0] ?? ""));
}

const ready: ConnectionStatus = { state: "ready", epoch: 1 };
test.each([
  [{ connection: ready }, []],
  [{ connection: { state: "idle", epoch: 0 } }, ["starting"]],
  [{ connection: { state: "dialing", epoch: 0 } }, ["disconnected"]],
  [{ connection: { state: "waiting", epoch: 3, reason: "silence" } }, ["disconnected"]],
  [{ connection: { state: "waiting", epoch: 3, reason: "constructor" } }, ["disconnected"]],
  [{ connection: { state: "waiting", epoch: 3, reason: "unauthorized" } }, ["auth_rejected"]],
  [{ connection: { state: "dialing", epoch: 3, reason: "unauthorized" } }, ["auth_rejected"]],
  [{ connection: { state: "standby", epoch: 3, reason: "superseded" } }, ["standby"]],
  [{ connection: { state: "waiting", epoch: 0, reason: "runnerIdInUse" } }, ["runner_id_in_use"]],
  [{ connection: { state: "waiting", epoch: 0, reason: "unsupportedVersion" } }, ["unsupported_version"]],
  [{ connection: { state: "waiting", epoch: 0, reason: "tooMany" } }, ["gateway_full"]],
  [{ connection: { state: "closed", epoch: 0, reason: "retired" } }, ["retired"]],
  [{ connection: ready, draining: true }, ["draining"]],
  [{ connection: { state: "closed", epoch: 1, reason: "normal" }, draining: true }, ["draining"]],
  [{ connection: ready, absent: true, healthy: false }, ["executor_absent"]],
  [{ connection: ready, healthy: false }, ["executor_unhealthy"]],
  [{ connection: { state: "waiting", epoch: 0 }, absent: true }, ["disconnected", "executor_absent"]],
] as [Case, string[]][])("readiness of %j says %j", async (given, expected) => {
  const words = await wordsOf(given);
  expect(words).toEqual(expected);
  expect(words.every((word) => Object.hasOwn(READINESS_WORDS, word))).toBe(true);
});

test("an executor that does not answer makes the runner not ready within two seconds, and is asked again after ten", async () => {
  const clock = new FakeClock();
  let asked = 0;
  const notReady = readiness({
    connection: () => ready,
    isDraining: () => false,
    executor: {
      check: () => {
        asked += 1;
        return asked === 1 ? new Promise(() => undefined) : Promise.resolve({ healthy: true, message: "" });
      },
    },
    executorIsAbsent: false,
    clock,
  });
  const first = notReady();
  await clock.advance(2_000);
  expect(await first).toEqual(["executor_unhealthy: the executor does not answer within 2000 ms"]);
  await clock.advance(8_000);
  expect(await notReady()).toEqual([]);
  expect(await notReady()).toEqual([]);
  expect(asked).toBe(2);
});
