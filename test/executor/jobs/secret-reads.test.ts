import { expect, onTestFinished, test } from "vitest";
import { endOf, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, podSettings } from "./kubernetes-world.ts";

test("what a run read of its secret store is counted once, by whoever saw it run", async () => {
  const world = await createKubernetesWorld();
  const seen: unknown[] = [];
  const secrets = { provider: "env", prefix: "NOTHING_HAS_THIS_" };
  const open = () => world.open({ secrets, onSecretReads: (reads) => seen.push(reads) });
  const executor = await open();
  const spec = specOf([]);
  await executor.start({ ...spec, config: { ...spec.config, password: "secret:/shop/password" } });
  expect(await endOf(executor, spec.runId)).toMatchObject({ failure: { category: "SecretUnresolved" } });
  expect(seen).toEqual([{ env: { notFound: expect.any(Number) } }]);
  await executor.close();
  const second = await open();
  onTestFinished(() => second.close());
  expect((await endOf(second, spec.runId)).state).toBe("failed");
  expect(seen).toHaveLength(1);
});

test("an attempt that is followed by another one has read its secret store too", async () => {
  const world = await createKubernetesWorld();
  const seen: unknown[] = [];
  const executor = await world.open({
    secrets: { provider: "env", prefix: "STORE_" },
    pods: podSettings({ extraEnvironment: { STORE_PASSWORD: "a-good-password" } }),
    onSecretReads: (reads) => seen.push(reads),
  });
  const spec = specOf([{ exit: 3 }], { retries: 1, retryDelaySeconds: 0 });
  await executor.start({ ...spec, config: { ...spec.config, password: "secret:/password" } });
  expect(await endOf(executor, spec.runId)).toMatchObject({ attempt: 2, state: "failed", exitCode: 3 });
  expect(seen).toEqual([{ env: { found: 1 } }, { env: { found: 1 } }]);
});
