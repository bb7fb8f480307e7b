import { expect, test } from "vitest";
import { eventually } from "../../fakes/eventually.ts";
import { specOf } from "../executor.contract.ts";
import { createKubernetesWorld } from "./kubernetes-world.ts";

test.each([
  ["wrapper", 2],
  // Nobody states what was printed: once more is read what is there now, and after that that nothing more is.
  ["native", 3],
] as const)(
  "a short run's log is asked for few times, whether it prints or not (%s)",
  {
    timeout: 60_000,
  },
  async (secretsMode, most) => {
    const world = await createKubernetesWorld();
    const executor = await world.open({ secretsMode });
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
      const asked = world.cluster.requests.all.filter(({ subresource }) => subresource === "log");
      expect(asked.length).toBeGreaterThan(0);
      expect(asked.length).toBeLessThanOrEqual(most);
      expect((await executor.readLog(spec.runId, 0, 1_000)).ended).toBe(true);
    }
  },
);
