import { expect, test } from "vitest";
import { Site } from "./site.ts";

test("SIGKILL and a new process (T02): the session is taken over, by one greeting", async () => {
  const site = await Site.open();
  const first = await site.startRunner();
  await site.connected();
  const epoch = async (): Promise<number> => (await site.api<{ epoch: number }>("GET", "/runners/test-runner")).epoch;
  expect(await epoch()).toBe(1);
  await first.end("SIGKILL");
  await site.startRunner();
  await expect.poll(epoch, { timeout: 300_000, interval: 20 }).toBe(2);
  await site.connected();
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await epoch()).toBe(2);
});
