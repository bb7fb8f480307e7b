import { expect, test } from "vitest";
import { createLog } from "../../src/base/log.ts";
import { Scope } from "../../src/base/scope.ts";
import { FakeClock } from "../fakes/clock.ts";

test("scope stops in reverse order, goes on past failures and hangs, and says which part", async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const scope = new Scope(
    clock,
    createLog({ clock, level: "info", format: "text", write: (line) => lines.push(line) }),
  );
  const stopped: string[] = [];
  scope.own("first", () => void stopped.push("first"));
  scope.own("broken", () => {
    throw new Error("jammed");
  });
  scope.own("hanging", () => new Promise(() => undefined));
  scope.own("last", () => void stopped.push("last"));
  const closed = scope.close(1000);
  await clock.advance(1000);
  await closed;
  expect(stopped).toEqual(["last", "first"]);
  expect(lines.join("")).toMatch(/part=hanging.*not done after 1000 ms[\s\S]*part=broken.*jammed/);
});

test("scope closes only once", async () => {
  let count = 0;
  const scope = new Scope(
    new FakeClock(),
    createLog({ clock: new FakeClock(), level: "error", format: "text", write: () => undefined }),
  );
  scope.own("part", () => {
    count++;
  });
  await scope.close();
  await scope.close();
  expect(count).toBe(1);
});
