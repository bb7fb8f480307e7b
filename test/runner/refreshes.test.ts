import { expect, test } from "vitest";
import { Refreshes } from "../../src/runner/refreshes.ts";
import { ServerVersion } from "../../src/runner/server-version.ts";

/** Refreshes that end when their signal aborts or when they are told to. */
function world(): {
  readonly refreshes: Refreshes;
  readonly server: ServerVersion;
  /** The version that each refresh began with, and how many are under way. */
  readonly begun: (string | undefined)[];
  readonly live: () => number;
  finish(): void;
} {
  const server = new ServerVersion();
  const begun: (string | undefined)[] = [];
  const ends = new Set<() => void>();
  const refresh = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      begun.push(server.current());
      const end = (): void => {
        ends.delete(end);
        resolve();
      };
      ends.add(end);
      // A write that is under way ends a little later than its signal.
      signal.addEventListener("abort", () => setTimeout(end, 5));
    });
  return {
    server,
    begun,
    refreshes: new Refreshes({ refresh, serverVersion: () => server.current() }),
    live: () => ends.size,
    finish: () => {
      for (const end of [...ends]) end();
    },
  };
}

const moment = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

test("the newest session's word counts, also when it says nothing", () => {
  const server = new ServerVersion();
  expect(server.current()).toBeUndefined();
  server.noteWelcome({ serverVersion: "1.13.3" });
  expect(server.current()).toBe("1.13.3");
  server.noteWelcome({});
  expect(server.current()).toBeUndefined();
});

test("refreshes once for a version, however often the line comes back", async () => {
  const { refreshes, server, begun, finish } = world();
  server.noteWelcome({ serverVersion: "1.13.3" });
  for (const state of ["dialing", "greeting", "ready", "waiting", "greeting", "ready"] as const) {
    refreshes.onState(state);
    await moment();
  }
  finish();
  refreshes.onState("ready");
  await moment();
  expect(begun).toEqual(["1.13.3"]);
});

test("refreshes again for another version, after the one under way has ended", async () => {
  const { refreshes, server, begun, live } = world();
  refreshes.onState("ready");
  await moment();
  for (const serverVersion of ["1.14.0", "1.15.0"]) {
    server.noteWelcome({ serverVersion });
    refreshes.onState("ready");
    expect(live()).toBe(1);
  }
  await moment();
  expect(begun).toEqual([undefined, "1.15.0"]);
  expect(live()).toBe(1);
});

test("a process that stands by ends its refresh, and begins anew when it has the session again", async () => {
  const { refreshes, begun, live } = world();
  refreshes.onState("ready");
  await moment();
  refreshes.onState("standby");
  await moment();
  expect(live()).toBe(0);
  refreshes.onState("ready");
  await moment();
  expect([begun.length, live()]).toEqual([2, 1]);
  refreshes.stop();
  await moment();
  expect(live()).toBe(0);
});
