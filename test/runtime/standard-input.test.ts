import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";

/** A process that waits for a line as often as there are limits; `next` is what it got. */
function waiter(...limits: readonly number[]): { child: ChildProcess; next: () => Promise<unknown> } {
  const script = join(import.meta.dirname, "input-lines.ts");
  const child = spawn(process.execPath, [script, ...limits.map(String)], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.stdin?.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  return { child, next: async () => JSON.parse((await lines.next()).value ?? '"it printed nothing"') };
}

test("openInputLines gives line after line, however they come in pieces", async () => {
  const { child, next } = waiter(20_000, 20_000, 20_000);
  child.stdin?.write("one\ntw");
  expect(await next()).toBe("one");
  child.stdin?.write("o €\nthree\n");
  expect(await next()).toBe("two €");
  expect(await next()).toBe("three");
});

test("openInputLines gives a line that came before the input ended, and then nothing", async () => {
  const { child, next } = waiter(20_000, 20_000, 20_000);
  child.stdin?.end("the last\nhalf a li");
  expect([await next(), await next(), await next()]).toEqual(["the last", null, null]);
});

test("openInputLines reads nothing that comes after it has given up", async () => {
  const { child, next } = waiter(50, 1000);
  expect(await next()).toBe(null);
  child.stdin?.write("too late\n");
  expect(await next()).toBe(null);
});
