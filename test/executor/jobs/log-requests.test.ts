import { expect, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { specOf } from "../executor.contract.ts";
import { createKubernetesWorld } from "./kubernetes-world.ts";

test("the log of a short run that states what it printed is read twice at most, whether it prints or not", {
  timeout: 60_000,
}, async () => {
  const world = await createKubernetesWorld();
  const executor = await world.open();
  for (const steps of [[{ say: "hello\n" }], []]) {
    world.cluster.requests.clear();
    const spec = specOf(steps);
    await executor.start(spec);
    await eventually(async () => {
      for await (const { state } of executor.observe(spec.runId, new AbortController().signal)) {
        if (state === "success") return;
      }
      throw new Error("the run has no end");
    });
    const asked = world.cluster.requests.all.filter(({ subresource, status }) => {
      return subresource === "log" && status === 200;
    });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.length).toBeLessThanOrEqual(2);
    expect((await executor.readLog(spec.runId, 0, 1_000)).ended).toBe(true);
  }
});
