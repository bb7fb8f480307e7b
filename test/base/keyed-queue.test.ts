import { expect, test } from "vitest";
import { KeyedQueue } from "../../src/base/keyed-queue.ts";

test("keyed queue keeps the order within a key, also after a failure, and runs other keys meanwhile", async () => {
  const queue = new KeyedQueue();
  const seen: string[] = [];
  const gate = Promise.withResolvers<void>();
  const first = queue.run("a", async () => {
    await gate.promise;
    seen.push("a1");
    throw new Error("a1 failed");
  });
  const second = queue.run("a", async () => {
    seen.push("a2");
    return 2;
  });
  await queue.run("b", async () => void seen.push("b1"));
  expect(seen).toEqual(["b1"]);
  gate.resolve();
  await expect(first).rejects.toThrow("a1 failed");
  expect(await second).toBe(2);
  expect(seen).toEqual(["b1", "a1", "a2"]);
});

test("keyed queue holds nothing when it has nothing to do", async () => {
  const queue = new KeyedQueue();
  await Promise.all(["a", "b", "a"].map((key) => queue.run(key, async () => key)));
  await Promise.resolve();
  expect(queue.busyKeys).toBe(0);
});
