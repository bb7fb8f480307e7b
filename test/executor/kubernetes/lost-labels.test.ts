import { expect, test } from "vitest";
import { LABELS } from "../../../src/executor/kubernetes/labels.ts";
import { PODS } from "../../../src/kubernetes/objects.ts";
import { eventually } from "../../fakes/eventually.ts";
import { endOf, specOf } from "../executor.contract.ts";
import { createKubernetesWorld, NAMESPACE } from "./kubernetes-world.ts";

test.each([LABELS.runner, LABELS.managedBy, LABELS.component, LABELS.runId])(
  "a running pod that loses the label %s isn't gone: its run is followed to its end",
  { timeout: 60_000 },
  async (label) => {
    const world = await createKubernetesWorld();
    const executor = await world.open();
    const spec = specOf([{ waitFor: `${world.directory}/go` }]);
    await executor.start(spec);
    await eventually(() => expect(executor.list()).resolves.toMatchObject([{ state: "running" }]), 20_000);
    const name = world.pods(spec.runId)[0]?.metadata.name ?? "";
    await (await world.client()).patch(PODS, NAMESPACE, name, { metadata: { labels: { [label]: null } } });
    // Asked for by the name of its Job, once it has left the selection.
    if (label !== LABELS.runId)
      await eventually(() => {
        const lists = world.cluster.requests.all.filter(({ verb, resource }) => verb === "list" && resource === "pods");
        expect(lists.length).toBeGreaterThan(1);
      }, 20_000);
    await world.touch("go");
    expect(await endOf(executor, spec.runId)).toMatchObject({ state: "success", attempt: 1, exitCode: 0 });
  },
);
