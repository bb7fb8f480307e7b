import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Site } from "./site.ts";

test("a run goes down the road and comes back: states, exit code, whole log, secret masked", async () => {
  const site = await Site.open();
  await site.secret("shop/password", "correct-horse-battery");
  await site.script("metadata", 'echo "hello from $pipelineRunId"\necho "config: $config"\necho "done" >&2\n');
  await site.startRunner();
  await site.connected();
  const pipelineId = await site.deploy("metadata", { connection: { password: "secret:/shop/password" } });
  const runId = await site.start(pipelineId);
  expect(await site.ended(runId)).toMatchObject({ state: "success", exitCode: 0 });
  const log = await site.wholeLog(runId);
  expect(log).toContain(`hello from ${runId}`);
  expect(log).toContain("done");
  expect(log).not.toContain("correct-horse-battery");
  expect(log).not.toContain("secret:/shop/password");
  expect(log).toBe(await readFile(join(site.runnerData(), "runs", runId, "output.log"), "utf8"));
});

test("a failing program fails the run with its exit code and last lines", async () => {
  const site = await Site.open();
  await site.script("metadata", 'echo "about to fail"\nexit 3\n');
  await site.startRunner();
  await site.connected();
  const run = await site.ended(await site.start(await site.deploy("metadata")));
  expect(run).toMatchObject({
    state: "failed",
    exitCode: 3,
    failure: { category: "ExitCode", logTail: ["about to fail"] },
  });
});

test("a run ordered while no runner is there starts when one comes", async () => {
  const site = await Site.open();
  await site.script("metadata", "echo late\n");
  const runId = await site.start(await site.deploy("metadata"));
  expect((await site.run(runId)).state).toBe("queued");
  await site.startRunner();
  expect((await site.ended(runId)).state).toBe("success");
});
