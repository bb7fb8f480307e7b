import { expect, onTestFinished, test } from "vitest";
import { endOf, specOf } from "../executor.contract.ts";
import { createKubernetesWorld } from "./kubernetes-world.ts";

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
}, 60_000);
