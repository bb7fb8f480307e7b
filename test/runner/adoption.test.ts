import { expect, test } from "vitest";
import { silentLog } from "../../src/base/log.ts";
import type { ExecutorHealth } from "../../src/executor/executor.ts";
import { Adoption } from "../../src/runner/adoption.ts";
import { FakeClock } from "../fakes/clock.ts";

interface Kit {
  readonly clock: FakeClock;
  readonly adoption: Adoption;
  readonly adopted: PromiseWithResolvers<void>;
  readonly stop: AbortController;
  health: ExecutorHealth;
  late: number;
  /** What `begin` answered. */
  known: boolean | undefined;
}

function begin(health: ExecutorHealth): Kit {
  const [clock, adopted, stop] = [new FakeClock(), Promise.withResolvers<void>(), new AbortController()];
  const kit: Kit = {
    clock,
    adopted,
    stop,
    health,
    late: 0,
    known: undefined,
    adoption: new Adoption({
      adopt: () => adopted.promise,
      executor: { check: async () => kit.health },
      clock,
      log: silentLog,
      signal: stop.signal,
    }),
  };
  void kit.adoption
    .begin(() => kit.late++)
    .then((known) => {
      kit.known = known;
    });
  return kit;
}

const WELL: ExecutorHealth = { healthy: true, message: "runs" };
const ILL: ExecutorHealth = { healthy: false, message: "no right to list jobs" };

test("adoption that only takes its time is waited for, however long", async () => {
  const kit = begin(WELL);
  await kit.clock.advance(600_000);
  expect([kit.known, kit.adoption.unknown()]).toEqual([undefined, "they are being looked for"]);
  kit.adopted.resolve();
  await kit.clock.advance(1);
  expect([kit.known, kit.adoption.unknown(), kit.late, kit.clock.waiting]).toEqual([true, undefined, 0, 0]);
});

test("adoption that the executor can't do for now isn't waited for; it tells why, and is done when it can be", async () => {
  const kit = begin(ILL);
  await kit.clock.advance(10_000);
  expect([kit.known, kit.adoption.unknown()]).toEqual([false, "no right to list jobs"]);
  kit.health = { healthy: false, message: "no right to watch pods" };
  await kit.clock.advance(10_000);
  expect(kit.adoption.unknown()).toBe("no right to watch pods");
  // The right is there before the runs are.
  kit.health = WELL;
  await kit.clock.advance(10_000);
  expect([kit.adoption.unknown(), kit.late]).toEqual(["no right to watch pods", 0]);
  kit.adopted.resolve();
  await kit.clock.advance(1);
  expect([kit.adoption.unknown(), kit.late, kit.clock.waiting]).toEqual([undefined, 1, 0]);
});

test("adoption ends with the runner, and nothing is begun then", async () => {
  const kit = begin(ILL);
  await kit.clock.advance(10_000);
  kit.stop.abort();
  kit.adopted.reject(new Error("closed"));
  await kit.clock.advance(1);
  expect([kit.late, kit.clock.waiting]).toEqual([0, 0]);
});
