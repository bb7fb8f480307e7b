import { expect, test } from "vitest";
import type { SecretReads } from "../../../src/protocol/secret-reads.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createProcessWorld } from "./process-world.ts";

const environment = { PATH: process.env["PATH"] ?? "", HYBRID_RUNNER_SECRET_PIN: "a long pin" };

test("what a run read of its secret store is told once, to the runner that sees its end first", async () => {
  const world = await createProcessWorld();
  const [first, second]: [SecretReads[], SecretReads[]] = [[], []];
  const executor = await world.open({ environment, onSecretReads: (reads) => first.push(reads) });
  const withSecret = (changes: { readonly gate?: string }) => {
    const spec = specOf(changes.gate === undefined ? [] : [{ waitFor: `${world.directory}/${changes.gate}` }]);
    return { ...spec, config: { ...spec.config, pin: "secret:pin", again: "secret:pin" } };
  };
  const [seen, plain, unseen] = [withSecret({}), specOf([]), withSecret({ gate: "gate" })];
  for (const spec of [seen, plain, unseen]) await executor.start(spec);
  for (const spec of [seen, plain]) expect((await endOf(executor, spec.runId)).state).toBe("success");
  await executor.list();
  expect(first).toEqual([{ env: { found: 1 } }]);
  await world.record(unseen.runId, "program.json");
  await executor.close();
  await world.touch("gate");
  await world.record(unseen.runId, "end.json");
  const next = await world.open({ environment, onSecretReads: (reads) => second.push(reads) });
  await next.list();
  await eventually(async () => expect((await endOf(next, unseen.runId)).state).toBe("success"));
  expect([...first, ...second]).toEqual([{ env: { found: 1 } }, { env: { found: 1 } }]);
  expect(second).toHaveLength(1);
});
